"""A trained PIMM answering in plain PyTorch: one nn.Embedding a field, a tower a task, eval mode, no gradients.

    score.py WEIGHTS.safetensors IDS ROWS PROBABILITIES VOCABULARIES_JSON

Takes Pimm's weights apart into plain layers. IDS holds int32, row by row. It first tries one thread and all of them with batches of
8,192 rows, and keeps the better. Every line on stdin asks for all rows once more and is answered with the seconds they took; the
probabilities of the last time are written to PROBABILITIES as float32.
"""
import json
import os
import struct
import sys
import time

import numpy
import torch
from torch import nn

BATCH = 8192


def weights(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    return {
        name: torch.from_numpy(numpy.frombuffer(data[slice(*entry["data_offsets"])], "<f4").copy().reshape(entry["shape"]))
        for name, entry in header.items() if name != "__metadata__"
    }


def linear(weight, bias=None):
    layer = nn.Linear(weight.shape[0], weight.shape[1], bias=bias is not None)
    layer.weight.data = weight.T.contiguous()
    if bias is not None:
        layer.bias.data = bias.reshape(-1).contiguous()
    return layer


class Transfer(nn.Module):
    def __init__(self, w, number):
        super().__init__()
        self.premise = linear(w[f"chain.merge{number}.premiseWeight"])
        self.handed = linear(w[f"chain.merge{number}.transferWeight"], w[f"chain.merge{number}.transferBias"])
        attention = w[f"chain.attention{number}.weight"]
        self.width = attention.shape[0]
        self.query, self.key, self.value = (linear(part.contiguous()) for part in attention.split(self.width, 1))

    def forward(self, own, state, believed):
        both = torch.stack([own, torch.sigmoid(self.premise(believed)) + torch.relu(self.handed(state))], 1)
        scores = (self.query(both) * self.key(both)).sum(2, keepdim=True) / self.width ** 0.5
        return own + (torch.softmax(scores, 1) * self.value(both)).sum(1)


class Pimm(nn.Module):
    def __init__(self, w, vocabularies):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding.from_pretrained(table.contiguous()) for table in w["embeddings.table.weight"].split(vocabularies))
        heads = w["chain.heads.weight"]
        self.heads = nn.ModuleList(linear(weight, bias) for weight, bias in zip(heads, w["chain.heads.bias"].reshape(-1, 1)))
        first = zip(w["towers.weight0"].chunk(len(heads), 1), w["towers.bias0"].chunk(len(heads)))
        self.towers = nn.ModuleList(
            nn.Sequential(
                linear(weight.contiguous(), bias), nn.ReLU(),
                linear(w["towers.weight1"][task], w["towers.bias1"][task]), nn.ReLU(),
                linear(w["towers.weight2"][task], w["towers.bias2"][task]), nn.ReLU())
            for task, (weight, bias) in enumerate(first))
        self.transfers = nn.ModuleList(Transfer(w, number) for number in range(len(heads) - 1))

    def forward(self, ids):
        x = torch.cat([table(ids[:, field]) for field, table in enumerate(self.embeddings)], 1)
        state = self.towers[0](x)
        logits = [self.heads[0](state)]
        for task in range(1, len(self.heads)):
            state = self.transfers[task - 1](self.towers[task](x), state, torch.sigmoid(logits[-1]))
            logits.append(self.heads[task](state))
        return torch.sigmoid(torch.cat(logits, 1))


def main():
    path, rows, answers = sys.argv[1], int(sys.argv[3]), sys.argv[4]
    vocabularies = json.loads(sys.argv[5])
    model = Pimm(weights(path), vocabularies).eval()
    ids = torch.from_numpy(numpy.fromfile(sys.argv[2], "<i4").astype("int64").reshape(rows, len(vocabularies)))

    @torch.no_grad()
    def score():
        clock, processors = time.perf_counter(), time.process_time()
        found = torch.cat([model(ids[start:start + BATCH]) for start in range(0, rows, BATCH)])
        return found, {"seconds": time.perf_counter() - clock, "processorSeconds": time.process_time() - processors}

    best = {}
    for threads in sorted({1, os.cpu_count()}):
        torch.set_num_threads(threads)
        score()
        best[threads] = min(score()[1]["seconds"] for _ in range(2))
    torch.set_num_threads(min(best, key=best.get))
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for _ in sys.stdin:
        found, took = score()
        found.numpy().tofile(answers)
        print(json.dumps(took), flush=True)


main()
