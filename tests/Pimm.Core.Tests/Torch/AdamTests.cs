using Shouldly;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Torch;

public sealed class AdamTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void The_first_two_steps_are_those_computed_by_hand()
    {
        var weight = new Parameter(tensor(new[] { 1.0, -2.0 }));
        using var adam = optim.Adam([weight], lr: 0.1);

        Step(adam, weight, [0.5, -4.0]);
        // m̂ = g and v̂ = g², so every element moves by lr·|g|/(|g| + eps) against its gradient.
        weight.data<double>()[0].ShouldBe(1 - 0.1 * 0.5 / (0.5 + 1e-8), 1e-15);
        weight.data<double>()[1].ShouldBe(-2 + 0.1 * 4.0 / (4.0 + 1e-8), 1e-15);

        Step(adam, weight, [1.0, 0.0]);
        // m = 0.9·0.05 + 0.1·1 = 0.145, v = 0.999·0.00025 + 0.001·1 = 0.00124975; corrections 0.19 and 0.001999.
        double second = 1 - 0.1 * 0.5 / (0.5 + 1e-8) - 0.1 * (0.145 / 0.19) / (Math.Sqrt(0.00124975 / 0.001999) + 1e-8);
        weight.data<double>()[0].ShouldBe(second, 1e-14);
    }

    [Theory]
    [InlineData(0.0, false, false)]
    [InlineData(0.1, false, false)]
    [InlineData(0.1, true, false)]
    [InlineData(0.0, false, true)]
    [InlineData(0.1, true, true)]
    public void Thirty_steps_follow_the_published_algorithm(double decay, bool amsgrad, bool maximize)
    {
        double[] start = [1.0, -2.0, 0.3];
        var weight = new Parameter(tensor(start));
        using var adam = optim.Adam([weight], lr: 0.05, beta1: 0.8, beta2: 0.95, eps: 1e-3, weight_decay: decay, amsgrad: amsgrad, maximize: maximize);
        var expected = new HandAdam(start, 0.05, 0.8, 0.95, 1e-3, decay, amsgrad, maximize);

        for (int step = 1; step <= 30; step++)
        {
            double[] gradient = [Math.Sin(step), step % 7 - 3, 5.0 / step];
            Step(adam, weight, gradient);
            expected.Step(gradient);
        }

        for (int i = 0; i < start.Length; i++)
            weight.data<double>()[i].ShouldBe(expected.Weights[i], 1e-12);
    }

    [Fact]
    public void One_pass_and_operators_take_the_same_steps_in_float()
    {
        var first = new Parameter(randn([1000], generator: new Generator(1)));
        var second = new Parameter(first.detach().clone());
        using var onePass = optim.Adam([first]);
        using var byOperators = optim.Adam([second]);

        for (int step = 0; step < 20; step++)
        {
            var gradient = randn([1000], generator: new Generator((ulong)step));
            first.grad = gradient;
            // Every other element of a larger tensor: not contiguous, so the one pass declines.
            second.grad = gradient.repeat_interleave(2).slice(0, 0, 2000, 2);
            onePass.step();
            byOperators.step();
        }

        (first - second).abs().max().item<float>().ShouldBeLessThan(1e-6f);
    }

    [Fact]
    public void A_parameter_without_a_gradient_stays()
    {
        var moved = new Parameter(ones(2));
        var still = new Parameter(ones(2));
        using var adam = optim.Adam([moved, still], weight_decay: 0.1);
        moved.grad = ones(2);

        adam.step();

        moved.data<float>()[0].ShouldBeLessThan(1);
        still.data<float>().ToArray().ShouldBe([1, 1]);
        adam.state_dict().State.Cast<Adam.State>().Select(state => state.step).ShouldBe([1, 0]);
    }

    [Fact]
    public void A_restored_optimizer_goes_on_bit_for_bit()
    {
        var one = new Parameter(ones(3));
        var two = new Parameter(ones(3));
        using var original = optim.Adam([one], amsgrad: true);
        using var restored = optim.Adam([two], amsgrad: true);
        Step(original, one, [1f, 2f, 3f]);
        using (no_grad())
            two.copy_(one);

        restored.load_state_dict(original.state_dict());
        Step(original, one, [-1f, 0f, 3f]);
        Step(restored, two, [-1f, 0f, 3f]);

        two.data<float>().ToArray().ShouldBe(one.data<float>().ToArray());
    }

    [Fact]
    public void A_step_between_forward_and_backward_is_noticed()
    {
        var weight = new Parameter(ones(2));
        using var adam = optim.Adam([weight]);
        weight.grad = ones(2);
        var loss = (weight * weight).sum();

        adam.step();

        Should.Throw<TorchException>(() => loss.backward()).Message.ShouldContain("modified by an inplace operation");
    }

    [Theory]
    [InlineData(-1, 0.9, 0.999)]
    [InlineData(1e-3, 1.0, 0.999)]
    [InlineData(1e-3, 0.9, -0.1)]
    public void Settings_without_meaning_are_refused(double lr, double beta1, double beta2)
    {
        var weight = new Parameter(ones(2));

        Should.Throw<ArgumentException>(() => optim.Adam([weight], lr, beta1, beta2));
    }

    private static void Step<T>(Adam adam, Parameter weight, T[] gradient) where T : unmanaged
    {
        weight.grad = tensor(gradient);
        adam.step();
    }

    private sealed class HandAdam(double[] start, double lr, double beta1, double beta2, double eps, double decay, bool amsgrad, bool maximize)
    {
        private readonly double[] m = new double[start.Length];
        private readonly double[] v = new double[start.Length];
        private readonly double[] largest = new double[start.Length];
        private int t;

        public double[] Weights { get; } = [.. start];

        public void Step(double[] gradient)
        {
            t++;
            for (int i = 0; i < gradient.Length; i++)
            {
                double g = (maximize ? -gradient[i] : gradient[i]) + decay * Weights[i];
                m[i] = beta1 * m[i] + (1 - beta1) * g;
                v[i] = beta2 * v[i] + (1 - beta2) * g * g;
                largest[i] = Math.Max(largest[i], v[i]);
                double spread = Math.Sqrt((amsgrad ? largest[i] : v[i]) / (1 - Math.Pow(beta2, t)));
                Weights[i] -= lr * (m[i] / (1 - Math.Pow(beta1, t))) / (spread + eps);
            }
        }
    }
}
