using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Torch;

public sealed class AutogradTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Gradients_add_up_until_they_are_cleared()
    {
        var x = tensor(new float[] { 3 }, requires_grad: true);

        (x * x).sum().backward();
        (x * x).sum().backward();
        x.grad!.item<float>().ShouldBe(12);

        x.grad = null;
        x.grad.ShouldBeNull();
    }

    [Fact]
    public void What_is_detached_passes_nothing_back()
    {
        var x = tensor(new float[] { 3 }, requires_grad: true);

        (x.detach() * x).sum().backward();

        x.grad!.item<float>().ShouldBe(3);
        x.detach().requires_grad.ShouldBeFalse();
    }

    [Fact]
    public void Modes_end_with_their_blocks()
    {
        var x = ones([1], requires_grad: true);

        using (no_grad())
        {
            (x * 2).requires_grad.ShouldBeFalse();
            using (enable_grad())
                (x * 2).requires_grad.ShouldBeTrue();
            is_grad_enabled().ShouldBeFalse();
        }
        using (inference_mode())
            (x * 2).requires_grad.ShouldBeFalse();
        using (set_grad_enabled(false))
            (x * 2).is_leaf.ShouldBeTrue();

        (x * 2).requires_grad.ShouldBeTrue();
        (x * 2).is_leaf.ShouldBeFalse();
    }

    [Fact]
    public void Gradients_of_one_loss_can_be_had_without_touching_the_others()
    {
        var shared = tensor(new double[] { 1, 2 }, requires_grad: true);
        var other = tensor(new double[] { 5 }, requires_grad: true);
        var first = (shared * shared).sum();
        var second = (shared * 3).sum();

        var ofFirst = autograd.grad([first], [shared, other], retain_graph: true, allow_unused: true);
        var ofBoth = autograd.grad([first, second], [shared]);

        ofFirst[0]!.data<double>().ToArray().ShouldBe([2, 4]);
        ofFirst[1].ShouldBeNull();
        ofBoth[0]!.data<double>().ToArray().ShouldBe([5, 7]);
        shared.grad.ShouldBeNull();
    }

    [Fact]
    public void Second_derivatives_follow_a_graph_of_gradients()
    {
        var x = tensor(new double[] { 2 }, requires_grad: true);

        var slope = autograd.grad([x.pow(3).sum()], [x], create_graph: true)[0]!;
        slope.sum().backward();

        x.grad!.item<double>().ShouldBe(12);
    }

    [Fact]
    public void A_graph_is_walked_once()
    {
        var x = tensor(new float[] { 3 }, requires_grad: true);
        var loss = (x * x).sum();
        loss.backward();

        Should.Throw<TorchException>(() => loss.backward()).Message.ShouldStartWith("backward(float[]): Trying to backward through the graph a second time");
    }

    [Fact]
    public void Only_one_number_can_be_walked_back_without_a_given_gradient()
    {
        var x = ones([2], requires_grad: true);

        Should.Throw<TorchException>(() => (x * 2).backward()).Message.ShouldBe("backward(float[2]): grad can be implicitly created only for scalar outputs");
        (x * 2).backward([tensor(new float[] { 1, 10 })]);

        x.grad!.data<float>().ToArray().ShouldBe([2, 20]);
    }

    [Fact]
    public void Clipping_scales_all_gradients_together()
    {
        var (a, b) = (new TorchSharp.Modules.Parameter(zeros(1)), new TorchSharp.Modules.Parameter(zeros(1)));
        a.grad = tensor(new float[] { 3 });
        b.grad = tensor(new float[] { 4 });

        double before = nn.utils.clip_grad_norm_([a, b], 1);

        before.ShouldBe(5, 1e-6);
        a.grad!.item<float>().ShouldBe(0.6f, 1e-5f);
        nn.utils.clip_grad_norm_([a, b], 10).ShouldBe(1, 1e-5);
        b.grad!.item<float>().ShouldBe(0.8f, 1e-5f);
    }
}
