using Shouldly;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

public sealed class ModuleTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Components_are_found_in_fields_and_named_after_them()
    {
        using var network = new Tower();

        network.named_parameters().Select(p => p.name).ShouldBe(["scale", "first.weight", "first.bias", "parts.0.weight", "parts.1.weight", "norm.weight", "norm.bias"]);
        network.named_buffers().Select(b => b.name).ShouldBe(["mean", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]);
        network.named_children().Select(c => c.name).ShouldBe(["first", "parts", "norm"]);
        network.state_dict().Keys.ShouldBe(network.named_parameters().Select(p => p.name).Concat(network.named_buffers().Select(b => b.name)));
    }

    [Fact]
    public void A_state_goes_to_another_network_and_gives_the_same_answers()
    {
        using var one = new Tower();
        using var two = new Tower();
        var input = randn(5, 3);
        one.call(input);
        one.eval();
        two.eval();

        var (missing, unexpected) = two.load_state_dict(one.state_dict());

        missing.Concat(unexpected).ShouldBeEmpty();
        two.call(input).data<float>().ToArray().ShouldBe(one.call(input).data<float>().ToArray());
        two.state_dict()["norm.num_batches_tracked"].item<long>().ShouldBe(1);
        two.parameters().First().requires_grad.ShouldBeTrue();
    }

    [Fact]
    public void A_state_that_does_not_fit_changes_nothing()
    {
        using var network = Linear(3, 2);
        var before = network.weight.data<float>().ToArray();

        Should.Throw<InvalidOperationException>(() => network.load_state_dict(new() { ["weight"] = ones(2, 3), ["extra"] = ones(1) }))
            .Message.ShouldBe("load_state_dict(Linear): missing [bias], unexpected [extra].");
        Should.Throw<ArgumentException>(() => network.load_state_dict(new() { ["weight"] = ones(2, 3), ["bias"] = ones(3) }))
            .Message.ShouldBe("load_state_dict(Linear): bias is float[2], float[3] was given.");
        network.weight.data<float>().ToArray().ShouldBe(before);

        network.load_state_dict(new() { ["weight"] = ones(2, 3) }, strict: false).missing_keys.ShouldBe(["bias"]);
        network.weight.data<float>()[0].ShouldBe(1);
    }

    [Fact]
    public void Training_and_evaluation_reach_every_part()
    {
        using var network = new Tower();

        network.eval();
        network.modules().ShouldAllBe(m => !m.training);

        network.train();
        network.modules().ShouldAllBe(m => m.training);
    }

    [Fact]
    public void Dropout_works_in_training_alone_and_keeps_the_mean()
    {
        using var dropout = Dropout(0.25);
        var input = ones(100_000);

        float[] kept = dropout.call(input).data<float>().ToArray().Distinct().Order().ToArray();
        dropout.call(input).mean().item<float>().ShouldBe(1, 0.02f);
        dropout.eval();

        kept.ShouldBe([0, 1 / 0.75f]);
        dropout.call(input).equal(input).item<bool>().ShouldBeTrue();
        Should.Throw<ArgumentException>(() => Dropout(1.5));
    }

    [Fact]
    public void Batch_norm_standardises_in_training_and_remembers_for_later()
    {
        using var norm = BatchNorm1d(1, momentum: 0.5);
        var input = tensor(new float[] { 1, 3 }, [2, 1]);

        norm.call(input).data<float>()[0].ShouldBe(-1, 1e-4f);
        norm.running_mean!.item<float>().ShouldBe(1);
        norm.running_var!.item<float>().ShouldBe(1.5f);
        norm.eval();

        norm.call(input).data<float>()[1].ShouldBe((3 - 1) / MathF.Sqrt(1.5f), 1e-4f);
        Should.Throw<ArgumentException>(() => norm.call(ones(3))).Message.ShouldBe("BatchNorm1d: float[3] has 1 dimensions, 2 or 3 are needed.");
    }

    [Fact]
    public void First_values_have_the_spread_they_are_said_to_have()
    {
        using var linear = Linear(100, 1000);
        using var embedding = Embedding(1000, 100, padding_idx: 3);
        var glorot = init.xavier_uniform_(empty(300, 200));

        linear.weight.abs().max().item<float>().ShouldBeInRange(0.099f, 0.1f);
        embedding.weight.std().item<float>().ShouldBe(1, 0.02f);
        embedding.weight[3].abs().sum().item<float>().ShouldBe(0);
        glorot.abs().max().item<float>().ShouldBe((float)Math.Sqrt(6.0 / 500), 1e-3f);
        init.normal_(empty(10_000), 1, 0.01).mean().item<float>().ShouldBe(1, 1e-3f);
    }

    [Fact]
    public void A_network_changes_its_type_and_stays_the_same_to_its_optimizer()
    {
        using var network = Linear(2, 1);
        using var adam = optim.Adam(network.parameters());

        network.to(float64);
        network.call(ones([1, 2], float64)).sum().backward();
        adam.step();

        network.weight.dtype.ShouldBe(float64);
        network.weight.grad!.dtype.ShouldBe(float64);
        adam.zero_grad();
        network.weight.grad.ShouldBeNull();
    }

    [Fact]
    public void Clearing_gradients_can_keep_their_memory()
    {
        using var network = Linear(2, 1);
        network.call(ones(1, 2)).sum().backward();

        network.zero_grad(set_to_none: false);

        network.weight.grad!.data<float>().ToArray().ShouldBe([0, 0]);
    }

    [Fact]
    public void A_shared_parameter_is_learned_once()
    {
        var shared = Linear(2, 2);
        using var network = Sequential(shared, shared);

        network.parameters().Count().ShouldBe(2);
        network.state_dict().Count.ShouldBe(4);
    }

    private sealed class Tower : Module<Tensor, Tensor>
    {
        private readonly Parameter scale;
        private readonly Linear first;
        private readonly ModuleList<Linear> parts;
        private readonly BatchNorm1d norm;
        private readonly Tensor mean;

        public Tower() : base(nameof(Tower))
        {
            scale = Parameter(ones(1));
            first = Linear(3, 4);
            parts = ModuleList(Linear(4, 4, hasBias: false), Linear(4, 2, hasBias: false));
            norm = BatchNorm1d(2);
            mean = zeros(3);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) =>
            norm.call(parts[1].call(parts[0].call(first.call(input - mean).relu()))) * scale;
    }
}
