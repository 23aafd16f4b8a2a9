using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class PremiseChainTests
{
    private static readonly PimmOptions Options = new();

    // Spec: y = (1, 0, 0); the first premise shows its label in the two training cases, the second in one of them.
    [Theory]
    [InlineData("eval_all_pred", null, 0.455121, 0.293328, 0.120735)]
    [InlineData("train_label_1_0", new[] { 1.0, 1.0 }, 0.455121, 0.295532, 0.120897)]
    [InlineData("train_label_pred", new[] { 1.0, 0.0 }, 0.455121, 0.295532, 0.121170)]
    public void Equals_the_golden_vectors_in_double_precision(string key, double[]? shown, double first, double second, double third)
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float64);
        var premise = shown is null ? null : new Premise(tensor([1.0, 0, 0], [1, 3]), tensor(shown, [1, 2]));

        var probabilities = sigmoid(chain.call(GoldenTowers(), premise)).data<double>().ToArray();

        probabilities.ShouldBe(GoldenVectors.Numbers("pimm", key, "y_hat"), 1e-9);
        probabilities.ShouldBe([first, second, third], 1e-6);
    }

    [Fact]
    public void Equals_the_golden_vectors_in_single_precision()
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float32);

        var probabilities = sigmoid(chain.call(GoldenTowers().to(ScalarType.Float32), null)).data<float>().ToArray();

        probabilities.Select(value => (double)value).ToArray().ShouldBe(GoldenVectors.Numbers("pimm", "eval_all_pred", "y_hat"), 1e-5);
    }

    [Fact]
    public void Merge_and_attention_equal_the_golden_trace()
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float64);
        var merge = (PremiseMerge)chain.named_children().Single(child => child.name == "merge0").module;
        var attention = (AttentiveTransfer)chain.named_children().Single(child => child.name == "attention0").module;
        var towers = GoldenTowers();
        var premise = tensor([GoldenVectors.Number("pimm", "eval_all_pred", "trace", "0", "y_star")], [1, 1]);

        var merged = merge.call(towers.select(0, 0), premise);

        Trace("H").ShouldBe(Numbers(merge.Implicit(towers.select(0, 0))), 1e-9);
        Trace("Z").ShouldBe(Numbers(merge.Explicit(premise)), 1e-9);
        Trace("Zm").ShouldBe(Numbers(merged), 1e-9);
        Trace("weights").ShouldBe(Numbers(attention.Attend(towers.select(0, 1), merged).Attention), 1e-9);
        Trace("U").ShouldBe(Numbers(towers.select(0, 1) + attention.call(towers.select(0, 1), merged)), 1e-9);

        static double[] Trace(string part) => GoldenVectors.Numbers("pimm", "eval_all_pred", "trace", "0", part);
    }

    // Invariant 3: a head feeds only the premise, which is cut; its tower is reached through H.
    [Fact]
    public void A_later_loss_reaches_the_earlier_tower_but_not_the_earlier_head()
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float64);
        var towers = GoldenTowers();
        towers.requires_grad = true;

        chain.call(towers, null).narrow(1, 2, 1).sum().backward();

        var heads = chain.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        var weight = Numbers(heads["heads.weight"].grad!);
        weight[..6].ShouldAllBe(value => value == 0);
        weight[6..].ShouldContain(value => value != 0);
        Numbers(heads["heads.bias"].grad!).ShouldBe([0, 0, 1]);
        Numbers(towers.grad!)[..3].ShouldContain(value => value != 0);
    }

    [Fact]
    public void Cutting_the_implicit_transfer_leaves_the_earlier_tower_without_gradient()
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float64, Options with { DetachImplicit = true });
        var towers = GoldenTowers();
        towers.requires_grad = true;

        chain.call(towers, null).narrow(1, 2, 1).sum().backward();

        Numbers(towers.grad!)[..6].ShouldAllBe(value => value == 0);
        Numbers(towers.grad!)[6..].ShouldContain(value => value != 0);
    }

    // Invariant 2 and 7: with every label shown, a stage sees the stage before only as its label and through H.
    [Fact]
    public void With_every_label_shown_the_prediction_of_the_stage_before_changes_nothing()
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float64);
        var premise = new Premise(tensor([1.0, 1, 0], [1, 3]), ones([1, 2], ScalarType.Float64));
        var before = Numbers(chain.call(GoldenTowers(), premise));

        ShiftHeadBias(chain, 5);
        var after = Numbers(chain.call(GoldenTowers(), premise));

        after[0].ShouldBe(before[0] + 5, 1e-9);
        after[1..].ShouldBe(before[1..], 1e-12);
        Math.Abs(Numbers(chain.call(GoldenTowers(), null))[1] - before[1]).ShouldBeGreaterThan(1e-5);
    }

    [Fact]
    public void With_no_label_shown_it_is_the_pure_prediction_whatever_the_labels_are()
    {
        using var scope = NewDisposeScope();
        using var chain = Golden(ScalarType.Float64);

        var none = new Premise(tensor([1.0, 1, 1], [1, 3]), zeros([1, 2], ScalarType.Float64));

        Numbers(chain.call(GoldenTowers(), none)).ShouldBe(Numbers(chain.call(GoldenTowers(), null)), 1e-12);
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    public void Has_attention_for_each_transfer_or_one_for_all(bool shared, int sets)
    {
        using var chain = new PremiseChain(3, 4, Options with { SharedAttention = shared });

        chain.AttentionWeights.Count().ShouldBe(sets);
    }

    private static PremiseChain Golden(ScalarType type, PimmOptions? options = null)
    {
        var chain = new PremiseChain(3, 3, options ?? Options);
        chain.to(ScalarType.Float64);
        chain.eval();
        chain.load_state_dict(State());
        return chain.to(type);
    }

    private static Dictionary<string, Tensor> State()
    {
        var state = new Dictionary<string, Tensor>
        {
            ["heads.weight"] = GoldenVectors.Tensor("pimm", "out_w").unsqueeze(2),
            ["heads.bias"] = GoldenVectors.Tensor("pimm", "out_b"),
        };
        for (var transfer = 0; transfer < 2; transfer++)
        {
            var at = $"{transfer}";
            state[$"merge{at}.transferWeight"] = GoldenVectors.Tensor("pimm", "FC", at, "A");
            state[$"merge{at}.transferBias"] = GoldenVectors.Tensor("pimm", "FC", at, "b");
            state[$"merge{at}.premiseWeight"] = GoldenVectors.Tensor("pimm", "W", at).view(1, 3);
            state[$"attention{at}.weight"] = cat(
                [GoldenVectors.Tensor("pimm", "QKV", at, "Q"), GoldenVectors.Tensor("pimm", "QKV", at, "K"), GoldenVectors.Tensor("pimm", "QKV", at, "V")], 1);
        }

        return state;
    }

    private static Tensor GoldenTowers() => GoldenVectors.Tensor("pimm", "v").view(3, 1, 3);

    private static void ShiftHeadBias(PremiseChain chain, double by)
    {
        using var quiet = no_grad();
        chain.named_parameters().Single(pair => pair.name == "heads.bias").parameter.narrow(0, 0, 1).add_(by);
    }

    private static double[] Numbers(Tensor values) => values.contiguous().data<double>().ToArray();
}
