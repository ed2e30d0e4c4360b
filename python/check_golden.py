"""Compares clusir_torch.py with golden vectors, for a test in internal/model.

    check_golden.py GOLDEN OUT

runs the network whose weights GOLDEN holds (model.*) on in.image, compares with
eval.output and train.output, and writes the weights to OUT with save.
"""

import json
import sys

import torch
from clusir_torch import ClusIR, Config, load, save
from safetensors import safe_open

golden, out = sys.argv[1:]
with safe_open(golden, "pt") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    fields = json.loads(file.metadata()["config"])
net = ClusIR(Config(**{key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}))
net.load_state_dict({name[len("model.") :]: x for name, x in tensors.items() if name.startswith("model.")}, strict=False)
save(net.eval(), out)
image = tensors["in.image"]
for name, network in ("", net), (" of the saved file", load(out)[0]):
    with torch.no_grad():
        added = network(image) - image
    want = tensors["eval.output"] - image
    error = ((added - want).abs().max() / want.abs().max()).item()
    print(f"output{name}: differs by {error:.2g} of the largest value")
    if not error < 2e-5:
        sys.exit("that is too much")

# Training also uses the noise of Eq. 7 and the batch's own statistics.
net.double().train()
image = image.double()
restored = net(image, [tensors[f"in.eps{stage}"].double() for stage in (1, 2, 3, 4)] if "in.eps1" in tensors else None)
want = tensors["train.output"].double()
error = ((restored - want).abs().max() / (want - image).abs().max()).item()
print(f"output in training: differs by {error:.2g} of the largest value")
if not error < 1e-5:
    sys.exit("that is too much")
