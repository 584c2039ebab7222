"""Stop and resume a training with the same bits.

A training is stopped in the middle of a gradient accumulation and resumed from two files: the
parameters, and the state of the optimizer. It ends with the same bits as a training that was never
stopped, on another number of threads, with stochastically rounded bfloat16 state and an average of
the parameters.
"""

import hashlib
import tempfile
from pathlib import Path

import numpy as np

import lamb_rs
from lamb_rs.schedules import CosineDecay

STEPS, STOP, ACCUMULATED = 400, 150, 4


def new_params():
    """Return the parameters at the start."""
    rng = np.random.default_rng(0)
    return {"kernel": rng.normal(size=(64, 64)).astype(np.float32), "bias": np.ones(64, np.float32)}


def new_optimizer():
    """Return an optimizer that is not built; the same arguments as before are enough to resume."""
    return lamb_rs.Lamb(
        CosineDecay(0.02, decay_steps=STEPS // ACCUMULATED),
        weight_decay=0.01,
        state_dtype="bfloat16",
        gradient_accumulation_steps=ACCUMULATED,
        use_ema=True,
        seed=7,
    )


def gradients(params, step):
    """Return noisy gradients that depend on the parameters and on the number of the step only."""
    rng = np.random.default_rng(step)
    return {
        name: array + rng.normal(size=array.shape).astype(np.float32)
        for name, array in params.items()
    }


def digest(params):
    """Return the first digits of a hash over all bits."""
    return hashlib.sha256(b"".join(array.tobytes() for array in params.values())).hexdigest()[:16]


temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
params, optimizer = new_params(), new_optimizer()
optimizer.build(params)
for step in range(STEPS):
    if step == STOP:
        np.savez(folder / "params.npz", **params)
        optimizer.save(folder / "optimizer.safetensors")
        size = (folder / "optimizer.safetensors").stat().st_size
        print(f"saved after {step} gradients, {optimizer.iterations} updates: {size} bytes")
    optimizer.apply(gradients(params, step))
print(f"never stopped, {lamb_rs.get_num_threads()} threads:", digest(params))

with np.load(folder / "params.npz") as file:
    resumed = {name: file[name] for name in params}
again = new_optimizer()
again.build(resumed)
again.load(folder / "optimizer.safetensors")
with lamb_rs.threads(1):
    for step in range(STOP, STEPS):
        again.apply(gradients(resumed, step))
print("stopped and resumed, 1 thread:", digest(resumed))
same = all((params[name] == resumed[name]).all() for name in params)
average = all((optimizer.averages[name] == again.averages[name]).all() for name in params)
print(f"same parameters: {same}, same average: {average}")

print("\nAn optimizer with other arguments refuses the file and names every difference:")
other = lamb_rs.Adam(0.01)
other.build(new_params())
try:
    other.load(folder / "optimizer.safetensors")
except lamb_rs.StateMismatchError as error:
    print(str(error).replace(f"{folder}/", ""))
temporary.cleanup()
