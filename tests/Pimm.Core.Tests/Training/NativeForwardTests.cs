using System.Runtime.InteropServices;
using Pimm.Core.Networks;
using Pimm.Core.Safetensors;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;

namespace Pimm.Core.Tests.Training;

/// <summary>Answers from native code against the network's own.</summary>
[Collection(TorchCollection.Name)]
public class NativeForwardTests
{
    // Small ones that share a table, ones with a table of their own, and one that is multiplied whatever the width of its embedding.
    private static readonly int[] Vocabularies = [3, 9, 50_000, 4, 700, 2, 120_000, 40];
    private const int Rows = 1_000;

    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "")]
    [InlineData(2, "embedding=5;towers=128,64,32")]
    [InlineData(3, "embedding=24;towers=128,64,32")]
    [InlineData(3, "embedding=24;towers=20")]
    [InlineData(4, "towers=10,6;sharedAttention=true")]
    [InlineData(3, "premise=false")]
    [InlineData(3, "implicit=false;premiseActivation=tanh")]
    [InlineData(2, "premise=false;implicit=false")]
    [InlineData(3, "premiseActivation=relu;premiseBias=true;transferLayer=linear")]
    [InlineData(3, "premiseActivation=tanh;premiseBias=true")]
    [InlineData(2, "towers=none")]
    public void Answers_are_those_of_the_network_itself(int tasks, string settings)
    {
        using var network = Network(tasks, settings, out var model);
        using var predictor = new Predictor(model, threads: 2);
        var ids = Ids();

        var answers = predictor.Predict(ids);

        using var scope = torch.NewDisposeScope();
        using var quiet = torch.no_grad();
        network.eval();
        var batch = torch.tensor(ids.Select(id => (long)id).ToArray(), [Rows, Vocabularies.Length]);
        var own = torch.sigmoid(network.StageLogits(network.call(batch, null))).contiguous().data<float>().ToArray();
        answers.ShouldBe(own, 1e-5);
        // Or nothing would be compared.
        own.Where((_, place) => place % tasks == tasks - 1).Distinct().Count().ShouldBeGreaterThan(Rows / 2);
    }

    [Fact]
    public void A_row_has_the_same_bits_in_any_batch_and_at_any_number_of_threads()
    {
        using var network = Network(3, "embedding=16", out var model);
        using var predictor = new Predictor(model, threads: 1);
        var ids = Ids();
        var together = predictor.Predict(ids);

        torch.set_num_threads(2);
        predictor.Predict(ids).ShouldBe(together);
        foreach (var (from, rows) in new[] { (0, 1), (47, 2), (5, 48), (333, 500) })
        {
            predictor.Predict(ids.AsSpan(from * Vocabularies.Length, rows * Vocabularies.Length)).ShouldBe(together.AsSpan(from * 3, rows * 3).ToArray());
        }
    }

    [Fact]
    public void The_first_unknown_id_is_named_wherever_it_stands()
    {
        using var network = Network(2, "", out var model);
        using var predictor = new Predictor(model, threads: 2);
        var ids = Ids();
        (ids[(990 * Vocabularies.Length) + 1], ids[(777 * Vocabularies.Length) + 7], ids[(777 * Vocabularies.Length) + 6]) = (9, 40, -1);

        Should.Throw<InputException>(() => predictor.Predict(ids)).Message
            .ShouldBe("Row 777 has the id -1 in field 6; it must be 0 to 119999: encode with the model's own feature map.");
    }

    /// <summary>Weights as they start, but larger ones where those are so small that nothing would be seen of a part.</summary>
    private static MultiTaskNetwork Network(int tasks, string settings, out TrainedModel model)
    {
        torch.manual_seed(7);
        var given = settings.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(text => text.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        given.TryAdd("towers", "32,16");
        given["dropout"] = string.Join(',', Enumerable.Repeat("0.1", given["towers"] == "none" ? 0 : given["towers"].Split(',').Length)) is { Length: > 0 } shares ? shares : "none";
        var (network, effective) = NetworkCatalog.Create("pimm", new NetworkShape(Vocabularies, tasks), given);
        using (torch.no_grad())
        {
            foreach (var (name, parameter) in network.named_parameters())
            {
                using var noise = torch.randn_like(parameter);
                // Not much larger: rounding grows with the scores that are compared in the attention.
                parameter.mul_(name.StartsWith("embeddings", StringComparison.Ordinal) || name.Contains("attention", StringComparison.Ordinal) ? 15 : 1.2);
                if (name.Contains("ias", StringComparison.Ordinal))
                {
                    parameter.add_(noise.mul_(0.3));
                }
            }
        }

        using var file = new MemoryStream();
        SafetensorsFile.Write(file, new Dictionary<string, string>(), network.named_parameters().Select(pair =>
            new SafetensorData(pair.name, SafetensorType.F32, pair.parameter.shape, MemoryMarshal.AsBytes(pair.parameter.detach().contiguous().data<float>().ToArray().AsSpan()).ToArray())));
        model = new TrainedModel(
            new ModelDescription(
                1, "pimm", effective, Vocabularies, [.. Enumerable.Range(0, tasks).Select(task => $"y{task}")], 1, new TrainingOptions(), new RowCounts(0, 0, 0), 0, 1, 1, [], [], 0, 0, 0, "test"),
            "", file.ToArray());
        return network;
    }

    private static int[] Ids()
    {
        var stream = new RandomStream(3, "ids");
        return [.. Enumerable.Range(0, Rows * Vocabularies.Length).Select(at => stream.NextInt(Vocabularies[at % Vocabularies.Length]))];
    }
}
