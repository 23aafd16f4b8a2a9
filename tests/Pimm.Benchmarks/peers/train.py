"""PIMM as somebody would write it in plain PyTorch: one nn.Embedding a field, a tower a task, torch.optim.Adam over everything.

    train.py ROWS.safetensors SETTINGS_JSON

Reads the same packed rows as Pimm, into tensors before anything is timed, and takes batches as slices of them, which shuffling
would only make slower. On the CPU it first tries one thread and all of them, and keeps the better; on a device (settings: device)
rows and network lie there, and a turn ends when the device has done its work. Then it answers every number of steps on stdin with
one JSON line: the seconds they took, of the clock and of the processors.
"""
import json
import os
import struct
import sys
import time

import numpy
import torch
from torch import nn


class Transfer(nn.Module):
    """The stage before, handed on as premise and representation, and attended to beside the task's own tower."""

    def __init__(self, width, dropout):
        super().__init__()
        self.premise = nn.Linear(1, width, bias=False)
        self.representation = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout))
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.scale = width ** 0.5

    def forward(self, own, state, believed):
        merged = torch.sigmoid(self.premise(believed)) + self.representation(state)
        both = torch.stack([own, merged], 1)
        scores = (self.query(both) * self.key(both)).sum(2, keepdim=True) / self.scale
        return own + (torch.softmax(scores, 1) * self.value(both)).sum(1)


class Pimm(nn.Module):
    def __init__(self, vocabularies, dimension, towers, dropout, tasks):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, dimension) for size in vocabularies)
        for table in self.embeddings:
            nn.init.normal_(table.weight, 0, 0.01)
        self.towers = nn.ModuleList(self.tower(len(vocabularies) * dimension, towers, dropout) for _ in range(tasks))
        self.heads = nn.ModuleList(nn.Linear(towers[-1], 1) for _ in range(tasks))
        self.transfers = nn.ModuleList(Transfer(towers[-1], dropout[-1]) for _ in range(tasks - 1))

    @staticmethod
    def tower(width, towers, dropout):
        layers = []
        for to, share in zip(towers, dropout):
            layers += [nn.Linear(width, to), nn.ReLU(), nn.Dropout(share)]
            width = to
        return nn.Sequential(*layers)

    def forward(self, ids, labels, shown):
        x = torch.cat([table(ids[:, field]) for field, table in enumerate(self.embeddings)], 1)
        state = self.towers[0](x)
        logits = [self.heads[0](state)]
        for task in range(1, len(self.heads)):
            before = slice(task - 1, task)
            believed = torch.where(shown[:, before], labels[:, before], torch.sigmoid(logits[-1].detach()))
            state = self.transfers[task - 1](self.towers[task](x), state, believed)
            logits.append(self.heads[task](state))
        return torch.cat(logits, 1)


def read(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    def array(name, kind):
        first, _ = header[name]["data_offsets"]
        return numpy.memmap(path, kind, "r", 8 + length + first, tuple(header[name]["shape"]))
    return torch.from_numpy(array("ids", "<i4").astype("int64")), torch.from_numpy(array("labels", "u1").astype("float32"))


def main():
    torch.manual_seed(1)
    settings = json.loads(sys.argv[2])
    batch = settings["batch"]
    device = torch.device(settings.get("device", "cpu"))
    ids, labels = (one.to(device) for one in read(sys.argv[1]))
    model = Pimm(settings["vocabularies"], settings["embedding"], settings["towers"], settings["dropout"], labels.shape[1]).to(device)
    tables = list(model.embeddings.parameters())
    rest = [one for name, one in model.named_parameters() if not name.startswith("embeddings")]
    adam = torch.optim.Adam([{"params": tables, "weight_decay": settings["l2"]}, {"params": rest}], lr=1e-3)
    loss = nn.BCEWithLogitsLoss()
    place = 0

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def steps(count):
        nonlocal place
        for _ in range(count):
            place = 0 if place + batch > len(ids) else place
            x, y = ids[place:place + batch], labels[place:place + batch]
            place += batch
            adam.zero_grad()
            (loss(model(x, y, torch.rand(batch, y.shape[1] - 1, device=device) < 0.5), y) * y.shape[1]).backward()
            adam.step()

    def timed(count):
        wait()
        clock, processors = time.perf_counter(), time.process_time()
        steps(count)
        wait()
        return {"seconds": time.perf_counter() - clock, "processorSeconds": time.process_time() - processors}

    best = {}
    for threads in sorted({1, os.cpu_count()}) if device.type == "cpu" else [1]:
        torch.set_num_threads(threads)
        steps(2)
        best[threads] = min(timed(settings["tries"])["seconds"] for _ in range(3))
    torch.set_num_threads(min(best, key=best.get))
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "device": where}), flush=True)
    for line in sys.stdin:
        print(json.dumps(timed(int(line))), flush=True)


main()
