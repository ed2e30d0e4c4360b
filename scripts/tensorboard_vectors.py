"""Prints the bytes that internal/tensorboard must write, as written by TensorBoard's
package. Needs: pip install tensorboard."""

import io

from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

out = io.BytesIO()
writer = RecordWriter(out)


def write(**fields):
    event = event_pb2.Event(wall_time=1700000000.5, **fields)
    writer.write(event.SerializeToString(deterministic=True))


write(file_version="brain.Event:2")
write(step=8, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
summary = event_pb2.Event().summary.__class__()
summary.value.add(tag="loss/l1", simple_value=0.25)
summary.value.add(tag="lr", simple_value=2e-4)
write(step=8, summary=summary)
print(out.getvalue().hex())
