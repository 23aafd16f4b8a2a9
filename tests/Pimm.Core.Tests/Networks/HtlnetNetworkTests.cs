using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class HtlnetNetworkTests
{
    private static readonly HtlnetOptions Small = new() { Embedding = 2, LabelEmbedding = 3, Fusion = 4, Towers = [6, 4], Dropout = [0, 0] };

    [Theory]
    [InlineData("tau1_no_noise", 1, 0)]
    [InlineData("tau0.5_no_noise", 0.5, 0)]
    [InlineData("tau10_no_noise", 10, 0)]
    [InlineData("tau1_g1=0.3_g0=-0.2", 1, 0.5)]
    public void A_label_embedding_equals_the_golden_vectors(string key, double temperature, double noise)
    {
        using var scope = NewDisposeScope();
        using var label = new LabelEmbedding(2, 1, detached: false);
        label.to(ScalarType.Float64);
        label.load_state_dict(new Dictionary<string, Tensor> { ["table"] = GoldenVectors.Tensor("htlnet_leu", "E(row0=label1,row1=label0)") });
        var believed = GoldenVectors.Number("htlnet_leu", "p");

        var embedded = label.Mixed(tensor([Math.Log(believed / (1 - believed))], [1, 1]), tensor([noise], [1, 1]), temperature);

        embedded.data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("htlnet_leu", key, "1"), 1e-9);
    }

    [Fact]
    public void A_label_embedding_is_noisy_while_training_only_and_then_about_the_mixture()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var label = new LabelEmbedding(2, 1, detached: false);
        var logit = zeros([4000, 1]);

        var noisy = label.call(logit);
        label.eval();
        var still = label.call(logit);

        Numbers(still).Chunk(2).Distinct(EqualityComparer<float[]>.Create((a, b) => a!.SequenceEqual(b!), a => a[0].GetHashCode())).Count().ShouldBe(1);
        noisy.std(0).select(0, 0).item<float>().ShouldBeGreaterThan(0.01f);
        Numbers(noisy.mean([0L])).ShouldBe(Numbers(still.select(0, 0)), 0.05);
    }

    [Theory]
    [InlineData("alpha1_gamma0_1_C10_norm_after", 1, false)]
    [InlineData("alpha0_5_gamma0_1_C10_norm_before", 0.5, true)]
    public void Merged_gradients_equal_the_golden_vectors(string key, double projection, bool normBefore)
    {
        using var scope = NewDisposeScope();
        var others = GoldenVectors.Tensor("htlnet_merge", "others");

        var merged = new GradientAdjustment(projection, Clip: 10, Relax: 0.1, normBefore)
            .Merge(GoldenVectors.Tensor("htlnet_merge", "core"), [others.select(0, 0), others.select(0, 1)]);

        merged.data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("htlnet_merge", key, "merged"), 1e-9);
    }

    [Fact]
    public void A_gradient_of_zero_adds_nothing_and_takes_nothing_away()
    {
        using var scope = NewDisposeScope();
        var adjustment = new GradientAdjustment(1, 10, 0.1, NormBefore: false);
        var some = tensor(new float[] { 1, 2 });

        Numbers(adjustment.Merge(some, [zeros(2)])).ShouldBe([1, 2]);
        Numbers(adjustment.Merge(zeros(2), [some])).ShouldBe([0.91f, 1.82f], 1e-6);
        Numbers(adjustment.Merge(zeros(2), [zeros(2)])).ShouldBe([0, 0]);
    }

    [Fact]
    public void Information_is_fused_as_the_equation_says()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var fusion = new InformationFusion(3, 5, 4);
        var (weight, handed) = (fusion.state_dict()["weight"], randn([3, 6, 5]));

        var fused = fusion.call(handed);

        var (values, keys, queries) = (matmul(handed, weight.narrow(1, 0, 4)), matmul(handed, weight.narrow(1, 4, 4)), matmul(handed, weight.narrow(1, 8, 4)));
        var shares = ((keys * queries).sum(dim: 2, keepdim: true) / 2).softmax(0);
        Numbers(fused).ShouldBe(Numbers((shares * values).sum(dim: 0)), 1e-5);
    }

    // Of one stage nothing has to be chosen, so the second target's units have h1 alone.
    [Fact]
    public void Has_as_many_parameters_as_its_equations_say()
    {
        using var network = new HtlnetNetwork(new([3, 4], 2, Amount: true), new());

        var tower = 128 * 64 + 64 + 64 * 32 + 32;
        var first = 16 * 128 + 128 + tower;
        var second = (128 + 1) * 128 + (8 + 1) * 128 + (16 + 256 + 1) * 128 + tower;
        var third = 3 * (128 + 1) * 128 + 3 * (8 + 1) * 128 + (16 + 256 + 1) * 128 + tower;
        network.ParameterCount.ShouldBe(7 * 8 + first + second + third + 2 * 2 * 8 + 3 * 33);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_later_loss_reaches_no_earlier_tower_but_the_label_embedding_unless_that_is_cut_too(bool detached)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var network = new HtlnetNetwork(new([3, 4], 2, Amount: true), Small with { DetachLabelEmbedding = detached });

        network.AmountOf(network.call(TinyNetworks.Ids(8), null)).sum().backward();

        var gradients = network.named_parameters().ToDictionary(pair => pair.name, pair => Sum(pair.parameter.grad));
        foreach (var (name, sum) in gradients.Where(pair => pair.Key.StartsWith("stage0", StringComparison.Ordinal) || pair.Key.StartsWith("stage1", StringComparison.Ordinal)))
        {
            sum.ShouldBe(0, name);
        }

        (gradients["label0.table"] > 0).ShouldBe(!detached);
        (gradients["label1.table"] > 0).ShouldBe(!detached);
        gradients["stage2.representations.weight"].ShouldBeGreaterThan(0);
        gradients["stage2.labels.weight"].ShouldBeGreaterThan(0);
        gradients["embeddings.table.weight"].ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Refuses_towers_without_a_layer_to_hand_on()
    {
        Should.Throw<InputException>(() => new HtlnetNetwork(new([3, 4], 2), Small with { Towers = [], Dropout = [] })).Message
            .ShouldBe("The towers of the model 'htlnet' need at least one layer and as many dropout shares, but there are 0 layers and 0 shares; give one share a layer.");
    }

    private static float Sum(Tensor? values) => values is null ? 0 : values.abs().sum().item<float>();

    private static float[] Numbers(Tensor values) => values.contiguous().data<float>().ToArray();
}
