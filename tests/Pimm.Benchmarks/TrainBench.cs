using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.Training;
using TorchSharp;

namespace Pimm.Benchmarks;

/// <param name="Case">shape and how embeddings are updated</param>
/// <param name="Ours">samples/s, the median of the turns</param>
/// <param name="ByProcessorTime">the same ratio by processor seconds instead of the clock: what a machine that others use still tells</param>
/// <param name="Share">of what the measured matrix products alone would allow</param>
/// <param name="Gigaflops">of the model's own matrix products, forward and backward, alone</param>
/// <param name="AllocatedBytes">on the managed side, a step</param>
internal sealed record TrainResult(
    string Case, int Batch, double Ours, double Peer, IngestRatio Ratio, IngestRatio ByProcessorTime, double Share, double Gigaflops, long AllocatedBytes, PeerFacts PeerFacts);

/// <summary>
/// Training, turn by turn with plain PyTorch on the same rows: the loop that `pimm train` runs, without the averaged weights that the
/// peer does not have. In each of its reports the loop waits while the peer takes its turn, so that both see the same machine.
/// </summary>
internal sealed class TrainBench(string root, string folder)
{
    private const int Turns = 6;
    private const int StepsBetweenReports = 20;
    private const string Usage = "train takes --json, --shape ali-ccp|industrial and --batch N, from 100 to 100,000 rows.";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string root, string[] arguments)
    {
        var (shapes, batches, json) = (new[] { TrainShape.AliCcp, TrainShape.Industrial }, new[] { 2_000, 16_384, 65_536 }, false);
        for (var place = 0; place < arguments.Length; place++)
        {
            switch (arguments[place], place + 1 < arguments.Length ? arguments[place + 1] : "")
            {
                case ("--json", _):
                    json = true;
                    break;
                case ("--shape", var name) when shapes.Where(shape => shape.Name == name).ToArray() is [_] one:
                    (shapes, place) = (one, place + 1);
                    break;
                case ("--batch", var text) when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var batch) && batch is >= 100 and <= 100_000:
                    (batches, place) = ([batch], place + 1);
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        var temporary = Directory.CreateTempSubdirectory("pimm-train-");
        try
        {
            var bench = new TrainBench(root, temporary.FullName);
            var results = shapes.SelectMany(shape => batches, (shape, batch) => (shape, batch)).SelectMany(pair => bench.Compare(pair.shape, pair.batch)).ToList();
            Console.WriteLine(json ? JsonSerializer.Serialize(new { bench = "train", machine = Machine, turns = Turns - 1, results }, Json) : string.Join('\n', results.Select(Text)));
            return 0;
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static string Machine => string.Create(CultureInfo.InvariantCulture,
        $"{Environment.ProcessorCount} cores, {Environment.OSVersion.VersionString}, .NET {Environment.Version}, libtorch {torch.__version__}");

    private IEnumerable<TrainResult> Compare(TrainShape shape, int batch)
    {
        var (steps, peerSteps) = batch <= 4_000 ? (100, 40) : (StepsBetweenReports, batch <= 20_000 ? 10 : 4);
        var rows = Path.Combine(folder, "rows.safetensors");
        shape.Write(rows, 2 * steps * batch);
        using var data = Snapshot.Open(rows);
        using var peer = new TrainPeer(root, rows, shape.ForPeer(batch, peerSteps / 2));
        foreach (var updates in new[] { EmbeddingUpdates.Dense, EmbeddingUpdates.Lazy })
        {
            yield return Against(peer, shape, data, updates, batch, (steps, peerSteps));
        }
    }

    private static TrainResult Against(TrainPeer peer, TrainShape shape, Snapshot data, EmbeddingUpdates updates, int batch, (int Ours, int Peer) steps)
    {
        torch.set_num_threads(Environment.ProcessorCount);
        torch.manual_seed(1);
        using var network = shape.Network();
        // Two turns an epoch; the first is for warming up.
        var options = new TrainingOptions
        {
            Batch = batch, Epochs = Turns / 2, Patience = Turns, Averaging = 0, Threads = Environment.ProcessorCount, EmbeddingUpdates = updates,
        };
        var products = new LayerProducts(shape, Math.Min(batch, 2_000));
        var (ours, peers, gigaflops, allocated) = (new List<Turn>(), new List<Turn>(), new List<double>(), 0L);
        var watch = new Watch();
        watch.Restart(anew: true);
        new TrainingLoop(network, data, options, TimeProvider.System).Run(progress =>
        {
            if (progress.Finished is null && progress.Samples / batch % steps.Ours == 0)
            {
                ours.Add(watch.Stop(out allocated));
                peers.Add(peer.Steps(steps.Peer));
                gigaflops.Add(products.Gigaflops());
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{shape.Name}, {updates}, batch {batch}: ours {Rate(ours[^1], steps.Ours):N0} samples/s, PyTorch {Rate(peers[^1], steps.Peer):N0}, products {gigaflops[^1]:N1} GFLOP/s"));
            }

            watch.Restart(anew: progress.Finished is not null);
        }, CancellationToken.None);

        var pairs = ours.Zip(peers).Skip(1).ToList();
        var (rate, flops) = (IngestRatio.MedianOf(pairs.Select(pair => Rate(pair.First, steps.Ours))), IngestRatio.MedianOf(gigaflops.Skip(1)));
        return new TrainResult(
            $"{shape.Name}, {updates.ToString().ToLowerInvariant()}", batch, rate, IngestRatio.MedianOf(pairs.Select(pair => Rate(pair.Second, steps.Peer))),
            IngestRatio.Of(pairs.Select(pair => Rate(pair.First, steps.Ours) / Rate(pair.Second, steps.Peer))),
            IngestRatio.Of(pairs.Select(pair => pair.Second.ProcessorSeconds / steps.Peer / (pair.First.ProcessorSeconds / steps.Ours))),
            rate * products.FlopsOfSample / (flops * 1e9), flops, allocated / steps.Ours, peer.Facts);

        double Rate(Turn turn, int taken) => (double)taken * batch / turn.Seconds;
    }

    private static string Text(TrainResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{result.Case}, batch {result.Batch:N0}: {result.Ours:N0} samples/s against {result.Peer:N0} (PyTorch {result.PeerFacts.Torch}, {result.PeerFacts.Threads} threads), ratio {result.Ratio.Median:0.00} ({result.Ratio.Min:0.00} to {result.Ratio.Max:0.00}), by processor time {result.ByProcessorTime.Median:0.00} ({result.ByProcessorTime.Min:0.00} to {result.ByProcessorTime.Max:0.00}); {result.Share:P0} of what products at {result.Gigaflops:N0} GFLOP/s allow; {result.AllocatedBytes:N0} bytes allocated a step");

    /// <summary>Clock, processors and allocations of this process since the last restart.</summary>
    internal sealed class Watch
    {
        private long started;
        private TimeSpan processors;
        private long bytes;
        private bool running;

        public void Restart(bool anew)
        {
            // Reports come within a turn too; only the first after a stop begins one, or the end of an epoch, whose validation is no step.
            if (anew || !running)
            {
                (running, bytes, processors, started) = (true, GC.GetAllocatedBytesForCurrentThread(), Process.GetCurrentProcess().TotalProcessorTime, Stopwatch.GetTimestamp());
            }
        }

        public Turn Stop(out long allocated)
        {
            var turn = new Turn(Stopwatch.GetElapsedTime(started).TotalSeconds, (Process.GetCurrentProcess().TotalProcessorTime - processors).TotalSeconds);
            allocated = GC.GetAllocatedBytesForCurrentThread() - bytes;
            running = false;
            return turn;
        }
    }
}
