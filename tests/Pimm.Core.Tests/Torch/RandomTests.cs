using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

[Collection(TorchCollection.Name)]
public sealed class RandomTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void One_seed_gives_one_stream_in_every_kind_of_draw()
    {
        Draws(5).ShouldBe(Draws(5));
        Draws(5).ShouldNotBe(Draws(6));
    }

    [Fact]
    public void A_generator_of_its_own_leaves_the_common_stream_alone()
    {
        manual_seed(1);
        var alone = rand(3).data<float>().ToArray();

        manual_seed(1);
        using var own = new Generator(9);
        rand([100], generator: own);
        bernoulli(full([10], 0.5), own);
        var beside = rand(3).data<float>().ToArray();

        beside.ShouldBe(alone);
        var before = rand([3], generator: own.manual_seed(4)).data<float>().ToArray();
        rand([3], generator: own.manual_seed(4)).data<float>().ToArray().ShouldBe(before);
    }

    [Fact]
    public void The_common_stream_goes_on_from_a_saved_state()
    {
        manual_seed(3);
        rand(700);
        using var state = get_rng_state();
        var first = rand(5).data<float>().ToArray();
        rand(9);

        set_rng_state(state);

        rand(5).data<float>().ToArray().ShouldBe(first);
    }

    [Fact]
    public void A_stream_goes_on_from_a_saved_state()
    {
        using var own = new Generator(2);
        rand([5], generator: own);
        using var state = own.get_state();
        var first = randn([4], generator: own).data<float>().ToArray();

        own.set_state(state);

        randn([4], generator: own).data<float>().ToArray().ShouldBe(first);
    }

    [Fact]
    public void The_same_seed_trains_the_same_weights_bit_for_bit()
    {
        Trained(3).ShouldBe(Trained(3));
        Trained(3).ShouldNotBe(Trained(4));
    }

    [Fact]
    public void Draws_have_the_distribution_they_are_named_after()
    {
        manual_seed(11);
        const int Many = 200_000;

        bernoulli(full([Many], 0.3)).mean().item<float>().ShouldBe(0.3f, 4 * MathF.Sqrt(0.21f / Many));
        zeros(Many).bernoulli_(0.7).mean().item<float>().ShouldBe(0.7f, 4 * MathF.Sqrt(0.21f / Many));
        randn(Many).std().item<float>().ShouldBe(1, 0.01f);
        zeros(Many).uniform_(-1, 3).mean().item<float>().ShouldBe(1, 0.012f);
        randperm(100).sort().Values.data<long>().ToArray().ShouldBe(Enumerable.Range(0, 100).Select(i => (long)i));
        randint(5, [1000]).unique().output.shape.ShouldBe([5]);
    }

    private static float[] Draws(long seed)
    {
        manual_seed(seed);
        return cat([rand(3), randn(3), bernoulli(full([3], 0.5)), functional.dropout(ones(8)), zeros(2).normal_(), rand_like(zeros(2)), randperm(9).to(float32), Linear(2, 2).weight.flatten()])
            .data<float>().ToArray();
    }

    private static float[] Trained(long seed)
    {
        manual_seed(seed);
        using var inner = NewDisposeScope();
        using var network = Sequential(Linear(20, 64), ReLU(), Dropout(0.3), Linear(64, 1));
        using var adam = optim.Adam(network.parameters());
        for (int step = 0; step < 20; step++)
        {
            using var each = NewDisposeScope();
            var input = randn(300, 20);
            adam.zero_grad();
            functional.mse_loss(network.call(input), input.sum(1, keepdim: true)).backward();
            adam.step();
        }
        return network.parameters().SelectMany(p => p.data<float>().ToArray()).ToArray();
    }
}
