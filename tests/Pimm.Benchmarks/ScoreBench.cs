using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Pimm.Core.Networks;
using Pimm.Core.Safetensors;
using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Benchmarks;

/// <summary>
/// Answers of a PIMM to rows that stand in memory, ids in and probabilities out, turn by turn with plain PyTorch, which has the same weights
/// in one nn.Embedding a field, in eval mode and without gradients.
/// </summary>
internal sealed class ScoreBench(string root, string folder)
{
    private const int Turns = 5;
    private const double MostDifference = 1e-5;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private sealed record Facts(string Torch, int Threads);

    private static readonly (TrainShape Shape, double Bound)[] Shapes = [(TrainShape.AliCcp, 2.5), (TrainShape.Industrial, 3)];

    public static int Start(string root, string[] arguments)
    {
        if (SideBySideArguments.Of("score", arguments, "--rows", 500_000, 1_000, 10_000_000) is not { } given)
        {
            return 2;
        }
        var folder = Directory.CreateTempSubdirectory("pimm-score-");
        try
        {
            var bench = new ScoreBench(root, folder.FullName);
            return SideBySide.Tell("score", given, [.. Shapes.Select(one => bench.MeasureAsync(one.Shape, one.Bound, (int)given.Size).GetAwaiter().GetResult())]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<SideBySideResult> MeasureAsync(TrainShape shape, double bound, int rows)
    {
        var (weights, idsFile, answers) = (Path.Combine(folder, "weights"), Path.Combine(folder, "ids"), Path.Combine(folder, "answers"));
        var model = Model(shape);
        var ids = new int[rows * shape.Vocabularies.Count];
        shape.Draw(new RandomStream(1, "rows"), ids);
        await File.WriteAllBytesAsync(weights, model.Weights);
        await File.WriteAllBytesAsync(idsFile, MemoryMarshal.AsBytes(ids.AsSpan()).ToArray());
        using var predictor = new Predictor(model, Environment.ProcessorCount);
        var probabilities = new float[rows * shape.Tasks];
        // Debian's PyTorch multiplies with the reference BLAS; it is given the library that ours uses, so that both multiply alike.
        var start = new ProcessStartInfo("/usr/bin/python3", [Path.Combine(root, "tests", "Pimm.Benchmarks", "peers", "score.py"), weights, idsFile, rows.ToString(CultureInfo.InvariantCulture), answers, JsonSerializer.Serialize(shape.Vocabularies)])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        start.Environment["LD_PRELOAD"] = Path.Combine(AppContext.BaseDirectory, "libpimmtorch.so");
        using var peer = Process.Start(start)!;
        var facts = Answer<Facts>(peer);
        var result = await SideBySide.MeasureAsync(
            string.Create(CultureInfo.InvariantCulture, $"{shape.Name}, {rows:N0} rows"), Turns, bound,
            () => Task.FromResult(Ours(predictor, ids, probabilities)),
            async () =>
            {
                await peer.StandardInput.WriteLineAsync("again");
                await peer.StandardInput.FlushAsync();
                return Answer<Took>(peer);
            }, "");
        peer.StandardInput.Close();
        await peer.WaitForExitAsync();
        var theirs = MemoryMarshal.Cast<byte, float>(await File.ReadAllBytesAsync(answers)).ToArray();
        var difference = probabilities.Zip(theirs, (a, b) => Math.Abs(a - b)).Max();
        // A wrong answer is no answer, however fast.
        return result with
        {
            Bound = difference <= MostDifference ? bound : double.PositiveInfinity,
            Remark = string.Create(CultureInfo.InvariantCulture, $"{rows / result.Ours:N0} rows/s against {rows / result.Peer:N0} of PyTorch {facts.Torch} with {facts.Threads} threads; largest difference {difference:0.0e+0}, at most {MostDifference:0.0e+0}"),
        };
    }

    private static Took Ours(Predictor predictor, int[] ids, float[] probabilities)
    {
        using var process = Process.GetCurrentProcess();
        var (processors, clock) = (process.TotalProcessorTime, Stopwatch.StartNew());
        predictor.Predict(ids, probabilities);
        var seconds = clock.Elapsed.TotalSeconds;
        process.Refresh();
        return new Took(seconds, (process.TotalProcessorTime - processors).TotalSeconds);
    }

    private static T Answer<T>(Process peer) => peer.StandardOutput.ReadLine() is { } line
        ? JsonSerializer.Deserialize<T>(line, Json)! : throw new InvalidOperationException("The PyTorch peer ended; what it said is above.");

    /// <summary>Weights as they start, the embeddings larger, so that answers differ from row to row as a trained model's do.</summary>
    private static TrainedModel Model(TrainShape shape)
    {
        var settings = new Dictionary<string, string> { ["embedding"] = shape.Embedding.ToString(CultureInfo.InvariantCulture) };
        TorchSharp.torch.manual_seed(1);
        var (network, _) = NetworkCatalog.Create("pimm", new NetworkShape(shape.Vocabularies, shape.Tasks), settings);
        using var held = network;
        using var file = new MemoryStream();
        SafetensorsFile.Write(file, new Dictionary<string, string>(), network.named_parameters().Select(pair =>
        {
            var values = pair.parameter.detach().contiguous().data<float>().ToArray();
            var scale = pair.name.StartsWith("embeddings", StringComparison.Ordinal) ? 50 : 1;
            return new SafetensorData(pair.name, SafetensorType.F32, pair.parameter.shape, MemoryMarshal.AsBytes(values.Select(value => scale * value).ToArray().AsSpan()).ToArray());
        }));
        return new TrainedModel(
            new ModelDescription(
                1, "pimm", settings, shape.Vocabularies, [.. Enumerable.Range(0, shape.Tasks).Select(task => $"y{task}")], 1, new TrainingOptions(), new RowCounts(0, 0, 0), 0, 1, 1, [], [], 0, 0, 0, "bench"),
            "", file.ToArray());
    }
}
