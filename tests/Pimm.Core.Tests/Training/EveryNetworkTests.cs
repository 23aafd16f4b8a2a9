using Pimm.Core.Networks;
using Pimm.Core.Tests.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

/// <summary>What holds for every kind of network in the catalogue, one that is added later included.</summary>
[Collection(TorchCollection.Name)]
public class EveryNetworkTests
{
    private static readonly int[] Vocabularies = [3, 4];

    public static TheoryData<string> Names => [.. NetworkCatalog.Names];

    // Beside the embeddings, 1,283,090 ids of width 5; an input of 90, two tasks. A tower is 21,984, one over 128 is 10,336.
    [Theory]
    [InlineData("aitm", 2 * 21_984 + 1_056 + 3_072 + 66)]
    [InlineData("esm2", 2 * 21_984 + 66)]
    [InlineData("esmm", 2 * 21_984 + 66)]
    [InlineData("htlnet", 21_984 + 129 * 32 + 9 * 32 + 155 * 128 + 10_336 + 2 * 8 + 66)]
    [InlineData("mmoe", 4 * 91 * 128 + 2 * 90 * 4 + 2 * 10_336 + 66)]
    [InlineData("mncm", 6 * 91 * 128 + 2 * 129 * 128 + 3 * 128 * 128 + 2 * 90 * 4 + 2 * 10_336 + 1_056 + 3_072 + 66)]
    [InlineData("pimm", 2 * 21_984 + 1_056 + 3_072 + 32 + 66)]
    [InlineData("ple", 6 * 91 * 128 + 2 * 90 * 4 + 2 * 10_336 + 66)]
    [InlineData("shared-bottom", 91 * 128 + 2 * 10_336 + 66)]
    [InlineData("tafe", 4 * 91 * 128 + 2 * 90 * 4 + 2 * 91 * 128 + 2 * (90 * 16 + 17 * 128) + 2 * (257 * 64 + 65 * 32) + 66)]
    public void Has_as_many_parameters_on_Ali_CCP_as_the_formula_says(string kind, long dense)
    {
        var (network, _) = NetworkCatalog.Create(kind, new([.. Enumerable.Repeat(1, 18)], 2), new Dictionary<string, string> { ["embedding"] = "5" });

        using (network)
        {
            (network.ParameterCount - 18 * 5).ShouldBe(dense);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gives_one_logit_a_row_and_task_whether_or_not_there_is_an_amount(string kind)
    {
        using var scope = NewDisposeScope();
        foreach (var (tasks, amount) in new[] { (1, false), (1, true), (2, false), (4, false), (4, true) })
        {
            using var network = TinyNetworks.Of(kind, new(Vocabularies, tasks, amount));

            var outputs = network.call(TinyNetworks.Ids(7), null);

            outputs.shape.ShouldBe([7, network.PredictsAmount ? tasks + 1 : tasks]);
            network.StageLogits(outputs).shape.ShouldBe([7, tasks]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_do_not_see_each_other(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = TinyNetworks.Of(kind, new(Vocabularies, 3, Amount: true));
        network.eval();

        var together = Numbers(network.call(TinyNetworks.Ids(5), null).narrow(0, 3, 1));

        together.ShouldBe(Numbers(network.call(TinyNetworks.Ids(5).narrow(0, 3, 1), null)), 1e-6);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Settings_in_force_create_the_same_network_again(string kind)
    {
        var shape = new NetworkShape(Vocabularies, 3);
        var (first, settings) = NetworkCatalog.Create(kind, shape, new Dictionary<string, string>());
        var (second, again) = NetworkCatalog.Create(kind, shape, settings);

        using (first)
        using (second)
        {
            again.ShouldBe(settings);
            second.state_dict().Select(pair => (pair.Key, string.Join('x', pair.Value.shape)))
                .ShouldBe(first.state_dict().Select(pair => (pair.Key, string.Join('x', pair.Value.shape))));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Its_loss_reaches_every_parameter(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = TinyNetworks.Of(kind, new(Vocabularies, 3, Amount: true));

        Step(network, TinyNetworks.Labels(64, 3), amount: 0.5f);

        foreach (var (name, parameter) in network.named_parameters())
        {
            parameter.grad.ShouldNotBeNull(name).abs().sum().item<float>().ShouldBeGreaterThan(0, name);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Neither_a_batch_without_positives_nor_extreme_logits_make_the_loss_or_a_gradient_other_than_a_number(string kind)
    {
        using var scope = NewDisposeScope();
        foreach (var (tasks, extreme) in new[] { (1, 0f), (3, 0f), (1, 80f), (3, 80f), (1, -80f), (3, -80f) })
        {
            foreach (var labels in new[] { zeros([64, tasks]), ones([64, tasks]), TinyNetworks.Labels(64, tasks) })
            {
                using var network = TinyNetworks.Of(kind, new(Vocabularies, tasks, Amount: true));
                Shift(network, extreme);

                var loss = Step(network, labels, amount: 0);

                loss.isfinite().item<bool>().ShouldBeTrue($"{tasks} tasks at {extreme}");
                foreach (var (name, parameter) in network.named_parameters())
                {
                    (parameter.grad is not { } gradient || gradient.isfinite().all().item<bool>()).ShouldBeTrue($"{name}, {tasks} tasks at {extreme}");
                }
            }
        }
    }

    // Computed once on a CPU, embeddings and attention made larger so that they count; they change only if a network's equations,
    // its initial weights or their order do.
    [Theory]
    [InlineData("aitm", 0.18624458f, -0.13547093f, 0.12999758f)]
    [InlineData("esm2", 0.16002291f, -0.87795746f, -1.9955803f)]
    [InlineData("esmm", 0.16002291f, -0.87795746f, -1.9955803f)]
    [InlineData("htlnet", -1.7200515f, 0.059538692f, -0.022029227f)]
    [InlineData("mmoe", -0.74459577f, -0.10807584f, 0.63285816f)]
    [InlineData("mncm", 0.65532947f, 0.06139405f, -0.07558631f)]
    [InlineData("pimm", 0.16002296f, 0.6660734f, 0.011831611f)]
    [InlineData("ple", -0.011275455f, -0.115792826f, -0.3490351f)]
    [InlineData("shared-bottom", 2.2877886f, -0.73846114f, -0.013255575f)]
    [InlineData("tafe", 0.20063597f, -1.1811239f, -1.9818032f)]
    public void The_seed_11_gives_these_logits(string kind, float click, float open, float buy)
    {
        using var scope = NewDisposeScope();
        using var network = TinyNetworks.Of(kind, new(Vocabularies, 3));
        network.eval();
        using (no_grad())
        {
            network.Regularised[0].mul_(100);
            network.Attention.ToList().ForEach(weight => weight.mul_(50));
        }

        Numbers(network.StageLogits(network.call(TinyNetworks.Ids(3), null)).select(0, 2)).ShouldBe([click, open, buy], 1e-6);
    }

    [Fact]
    public void Every_network_has_its_logits_pinned() =>
        typeof(EveryNetworkTests).GetMethod(nameof(The_seed_11_gives_these_logits))!.GetCustomAttributesData()
            .Where(data => data.AttributeType == typeof(InlineDataAttribute))
            .Select(data => ((IReadOnlyList<System.Reflection.CustomAttributeTypedArgument>)data.ConstructorArguments[0].Value!)[0].Value)
            .ShouldBe(NetworkCatalog.Names);

    private static Tensor Step(MultiTaskNetwork network, Tensor labels, float amount)
    {
        using var loss = new NetworkLoss(network, CPU);
        var rows = (int)labels.shape[0];
        var premise = network.Curriculum is null ? null : new Premise(labels, TinyNetworks.Labels(rows, (int)labels.shape[1]).narrow(1, 0, labels.shape[1] - 1));
        return loss.Backward(TinyNetworks.Ids(rows), premise, labels, network.PredictsAmount ? full(rows, amount) : null);
    }

    private static void Shift(MultiTaskNetwork network, float by)
    {
        using var quiet = no_grad();
        network.named_parameters().Single(pair => pair.name.EndsWith("heads.bias", StringComparison.Ordinal)).parameter.fill_(by);
    }

    private static float[] Numbers(Tensor values) => values.contiguous().data<float>().ToArray();
}
