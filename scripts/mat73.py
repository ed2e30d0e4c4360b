#!/usr/bin/env python3
"""Copies the arrays of a MATLAB 7.3 file, such as the blur kernels of Levin et
al. (2009), into one of level 5, which clusir reads:

    pip install h5py scipy
    scripts/mat73.py Levin09.mat kernels.mat
"""

import sys

if len(sys.argv) != 3:
    sys.exit(__doc__)
try:
    import h5py
    import numpy as np
    from scipy.io import savemat
except ImportError as e:
    sys.exit(f"{e}: pip install h5py scipy")


def arrays(path):
    """The real two-dimensional arrays of a file, those in cells as well."""
    found = []

    def visit(_, item):
        if isinstance(item, h5py.Dataset) and item.ndim == 2 and item.dtype.kind in "fiu":
            found.append(item[()].T)  # HDF5 has MATLAB's columns as rows

    with h5py.File(path) as f:
        f.visititems(visit)
    return found


found = arrays(sys.argv[1])
cells = np.empty(len(found), object)
cells[:] = found
savemat(sys.argv[2], {"kernels": cells})
print(f"{len(found)} arrays of", ", ".join("×".join(map(str, a.shape)) for a in found))
