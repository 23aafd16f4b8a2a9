using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>
/// The steps of some <see cref="Adam"/>s with everything that changes between them on the device: learning rate, number of the step,
/// bias corrections. So a recorded step stays right when it is launched again (PyTorch calls that capturable). It changes the
/// optimizers' own moments; the number of steps is handed to them by <see cref="Keep"/>, because reading it waits for the device.
/// </summary>
internal sealed class DeviceAdam : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Eps = 1e-8;

    private readonly IReadOnlyList<Part> parts;
    private readonly Tensor step;
    private readonly Tensor rate;

    /// <param name="parts">each with its weight decay; made with the usual betas and eps</param>
    public DeviceAdam(IEnumerable<(Adam Optimizer, double Decay)> parts, double learningRate, Device device)
    {
        this.parts = [.. parts.Select(part => new Part([.. part.Optimizer.parameters()], [.. part.Optimizer.state_dict().State.Cast<Adam.State>()], part.Decay))];
        step = zeros([], device: device).DetachFromDisposeScope();
        rate = full([], learningRate, device: device).DetachFromDisposeScope();
    }

    /// <summary>Of the next step.</summary>
    public double LearningRate
    {
        set
        {
            using var quiet = no_grad();
            rate.fill_(value);
        }
    }

    /// <summary>One step along the gradients there are; a parameter without one stays. Reads nothing from the device.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        step.add_(1);
        var corrections = new Lazy<Corrections>(() => new Corrections(step, rate));
        foreach (var part in parts)
        {
            var learning = part.Parameters.Zip(part.States, (parameter, state) => (Parameter: parameter, Gradient: parameter.grad, State: state))
                .Where(one => one.Gradient is not null).ToList();
#if !TORCH_PACKAGE
            if (learning.Count > 0 && learning[0].Parameter.device_type != DeviceType.CPU && TorchSharp.Accelerated.FusedAdam.Exists)
            {
                TorchSharp.Accelerated.FusedAdam.Step(
                    [.. learning.Select(one => one.Parameter)], [.. learning.Select(one => one.Gradient!)], [.. learning.Select(one => one.State.exp_avg)],
                    [.. learning.Select(one => one.State.exp_avg_sq)], step, rate, (Beta1, Beta2, Eps, part.Decay));
                continue;
            }
#endif
            learning.ForEach(one => Update(one.Parameter, one.Gradient!, one.State, part.Decay, corrections.Value));
        }
    }

    /// <summary>Tells the optimizers how many steps were taken.</summary>
    public void Keep()
    {
        using var scope = NewDisposeScope();
        var taken = (long)step.cpu().item<float>();
        foreach (var state in parts.SelectMany(part => part.States))
        {
            state.step = taken;
        }
    }

    /// <summary>Goes on from the number of steps that the optimizers know.</summary>
    public void Resume()
    {
        using var quiet = no_grad();
        step.fill_(parts.SelectMany(part => part.States).Max(state => state.step));
    }

    public void Dispose()
    {
        step.Dispose();
        rate.Dispose();
    }

    private static void Update(Parameter parameter, Tensor gradient, Adam.State state, double decay, Corrections corrections)
    {
        var along = decay == 0 ? gradient : gradient.add(parameter, decay);
        state.exp_avg.mul_(Beta1).add_(along, 1 - Beta1);
        state.exp_avg_sq.mul_(Beta2).addcmul_(along, along, 1 - Beta2);
        var spread = state.exp_avg_sq.sqrt().div_(corrections.Spread).add_(Eps);
        parameter.sub_((state.exp_avg / spread).mul_(corrections.Size));
    }

    private sealed record Part(IReadOnlyList<Parameter> Parameters, IReadOnlyList<Adam.State> States, double Decay);

    /// <summary>What the number of the step makes of its size and of the moments' spread, float64 scalars on the device.</summary>
    private sealed class Corrections(Tensor step, Tensor rate)
    {
        private readonly Tensor taken = step.to(ScalarType.Float64);

        /// <summary>lr / (1 − β₁^t).</summary>
        public Tensor Size => field ??= rate.to(ScalarType.Float64) / Rest(Beta1);

        /// <summary>√(1 − β₂^t).</summary>
        public Tensor Spread => field ??= Rest(Beta2).sqrt();

        // 1 − β^t, without the loss of digits at first.
        private Tensor Rest(double beta) => (taken * Math.Log(beta)).expm1().neg();
    }
}
