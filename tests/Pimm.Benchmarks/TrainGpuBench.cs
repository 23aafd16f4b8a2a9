using System.Globalization;
using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.Training;
using TorchSharp;

namespace Pimm.Benchmarks;

/// <param name="Case">how the steps reach the device</param>
/// <param name="Ours">samples/s, the median of the turns</param>
/// <param name="Target">what the median of the ratios has to reach</param>
internal sealed record TrainGpuResult(string Case, int Batch, double Ours, double Peer, IngestRatio Ratio, double Target, double? LeastSamples, PeerFacts PeerFacts)
{
    public bool Held => Ratio.Median >= Target && Ours >= (LeastSamples ?? 0);
}

/// <summary>
/// Training on a CUDA device, turn by turn with plain PyTorch on the same device and rows: the loop of `pimm train --device cuda:0`,
/// rows kept on the device, once with every step called and once with the step recorded (cudaGraph=true). Not yet run on one.
/// </summary>
internal static class TrainGpuBench
{
    private const string Device = "cuda:0";
    private const int Turns = 6;
    private const string Usage = "train-gpu takes --json and --batch N, from 100 to 100,000 rows.";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string root, string[] arguments)
    {
        var (batches, json) = (new[] { 2_000, 16_384, 65_536 }, false);
        for (var place = 0; place < arguments.Length; place++)
        {
            switch (arguments[place], place + 1 < arguments.Length ? arguments[place + 1] : "")
            {
                case ("--json", _):
                    json = true;
                    break;
                case ("--batch", var text) when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var batch) && batch is >= 100 and <= 100_000:
                    (batches, place) = ([batch], place + 1);
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        if (!torch.cuda.is_available())
        {
            Console.Error.WriteLine($"train-gpu needs a CUDA device, and libtorch {torch.__version__} finds none here: point TORCH_HOME to a CUDA build on a machine that has one. PIMM_PYTHON names the python3 whose PyTorch is compared with.");
            return 2;
        }

        var temporary = Directory.CreateTempSubdirectory("pimm-train-");
        try
        {
            var results = batches.SelectMany(batch => Compare(root, Path.Combine(temporary.FullName, "rows.safetensors"), batch)).ToList();
            Console.WriteLine(json ? JsonSerializer.Serialize(new { bench = "train-gpu", libtorch = torch.__version__, turns = Turns - 1, results }, Json) : string.Join('\n', results.Select(Text)));
            return results.TrueForAll(result => result.Held) ? 0 : 1;
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static IEnumerable<TrainGpuResult> Compare(string root, string rows, int batch)
    {
        // Multiples of the steps between two reports of a device's training.
        var (steps, peerSteps) = batch <= 4_000 ? (1_000, 200) : batch <= 20_000 ? (200, 100) : (100, 50);
        TrainShape.AliCcp.Write(rows, 2 * steps * batch);
        using var data = Snapshot.Open(rows);
        using var peer = new TrainPeer(root, rows, TrainShape.AliCcp.ForPeer(batch, peerSteps / 2, Device), Environment.GetEnvironmentVariable("PIMM_PYTHON") ?? "python3");
        foreach (var recorded in new[] { false, true })
        {
            yield return Against(peer, data, batch, recorded, (steps, peerSteps));
        }
    }

    private static TrainGpuResult Against(TrainPeer peer, Snapshot data, int batch, bool recorded, (int Ours, int Peer) steps)
    {
        torch.manual_seed(1);
        using var network = TrainShape.AliCcp.Network();
        network.to(torch.device(Device));
        // Two turns an epoch; the first is for warming up and recording. No averaged weights, which the peer does not have.
        var options = new TrainingOptions { Device = Device, Batch = batch, Epochs = Turns / 2, Patience = Turns, Averaging = 0, CudaGraph = recorded };
        var (ours, peers) = (new List<Turn>(), new List<Turn>());
        var watch = new TrainBench.Watch();
        new TrainingLoop(network, data, options, TimeProvider.System).Run(progress =>
        {
            if (progress.Note is { } note)
            {
                throw new InvalidOperationException(note);
            }

            // The loop has read the loss just before it reports, so the device has done all that was asked of it.
            if (progress.Finished is null && progress.Samples / batch % steps.Ours == 0)
            {
                ours.Add(watch.Stop(out _));
                peers.Add(peer.Steps(steps.Peer));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Case(recorded)}, batch {batch}: ours {Rate(ours[^1], steps.Ours):N0} samples/s, PyTorch {Rate(peers[^1], steps.Peer):N0}"));
            }

            watch.Restart(anew: progress.Finished is not null);
        }, CancellationToken.None);

        var pairs = ours.Zip(peers).Skip(1).ToList();
        return new TrainGpuResult(
            Case(recorded), batch, IngestRatio.MedianOf(pairs.Select(pair => Rate(pair.First, steps.Ours))), IngestRatio.MedianOf(pairs.Select(pair => Rate(pair.Second, steps.Peer))),
            IngestRatio.Of(pairs.Select(pair => Rate(pair.First, steps.Ours) / Rate(pair.Second, steps.Peer))),
            batch <= 4_000 ? 8 : batch <= 20_000 ? 5 : 3, batch <= 4_000 ? 8e6 : null, peer.Facts);

        double Rate(Turn turn, int taken) => (double)taken * batch / turn.Seconds;
    }

    private static string Case(bool recorded) => recorded ? "recorded steps" : "called steps";

    private static string Text(TrainGpuResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{result.Case}, batch {result.Batch:N0}: {result.Ours:N0} samples/s against {result.Peer:N0} (PyTorch {result.PeerFacts.Torch} on {result.PeerFacts.Device}), ratio {result.Ratio.Median:0.00} ({result.Ratio.Min:0.00} to {result.Ratio.Max:0.00}), wanted {result.Target:0}{(result.LeastSamples is { } least ? $" and {least:N0} samples/s" : "")}: {(result.Held ? "held" : "missed")}");
}
