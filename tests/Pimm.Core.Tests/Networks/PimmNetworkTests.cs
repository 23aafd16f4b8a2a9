using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class PimmNetworkTests
{
    private static readonly int[] AliCcpVocabularies =
        [238635, 98, 14, 3, 8, 4, 4, 3, 5, 467298, 6929, 263942, 106399, 5888, 104830, 51878, 37148, 4];

    // AITM's 6,463,612 and the 32 of the premise's W; the embeddings are counted, not made.
    [Fact]
    public void Has_as_many_parameters_on_Ali_CCP_as_the_formula_says()
    {
        using var network = new PimmNetwork(new([.. AliCcpVocabularies.Select(_ => 1)], 2), new() { Embedding = 5 });

        var embeddings = AliCcpVocabularies.Sum(size => (long)size) * 5;
        var dense = network.ParameterCount - 5 * AliCcpVocabularies.Length;

        AliCcpVocabularies.Sum().ShouldBe(1_283_090);
        (embeddings + dense).ShouldBe(6_463_644);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Gives_one_logit_a_row_and_task(int tasks)
    {
        using var scope = NewDisposeScope();
        using var network = Small(tasks);

        network.call(Ids(7), null).shape.ShouldBe([7, tasks]);
    }

    // Invariant 1.
    [Fact]
    public void Without_a_premise_labels_play_no_part_and_rows_do_not_see_each_other()
    {
        using var scope = NewDisposeScope();
        using var network = Small(3);
        network.eval();

        var together = network.call(Ids(5), null).data<float>().ToArray();
        var alone = network.call(Ids(5).narrow(0, 3, 1), null).data<float>().ToArray();

        together[9..12].ShouldBe(alone, 1e-6);
    }

    [Fact]
    public void Every_parameter_gets_a_gradient_from_the_sum_of_the_losses()
    {
        using var scope = NewDisposeScope();
        using var network = Small(3);

        network.call(Ids(64), Premise(64, 3, shown: 1)).sum().backward();

        foreach (var (name, parameter) in network.named_parameters())
        {
            using var gradient = parameter.grad;
            gradient.ShouldNotBeNull(name);
            gradient.abs().sum().item<float>().ShouldBeGreaterThan(0, name);
        }
    }

    [Fact]
    public void Regularises_the_embeddings_and_the_attention_alone()
    {
        using var network = Small(3);

        network.Regularised.Sum(parameter => parameter.numel()).ShouldBe(7 * 2);
        network.Attention.Sum(parameter => parameter.numel()).ShouldBe(2 * 4 * 12);
    }

    [Fact]
    public void The_same_seed_starts_with_the_same_weights()
    {
        using var first = Small(3);
        using var second = Small(3);

        second.state_dict().Values.SelectMany(Bytes).ShouldBe(first.state_dict().Values.SelectMany(Bytes));

        static byte[] Bytes(Tensor values) => values.bytes.ToArray();
    }

    internal static PimmNetwork Small(int tasks)
    {
        manual_seed(11);
        return new PimmNetwork(new([3, 4], tasks), new() { Embedding = 2, Towers = [6, 4], Dropout = [0, 0], TransferDropout = 0 });
    }

    private static Tensor Ids(int rows) =>
        tensor(Enumerable.Range(0, rows).SelectMany(row => new long[] { row % 3, row * 7 % 4 }).ToArray(), [rows, 2]);

    private static Premise Premise(int rows, int tasks, float shown) =>
        new(ones([rows, tasks]), full([rows, tasks - 1], shown));
}
