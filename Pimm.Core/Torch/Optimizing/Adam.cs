using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) with PyTorch's order of operations: bias-corrected first and second moments,
/// eps added after the root, decay added to the gradient; optionally the running maximum of the second moment (Reddi et al. 2018).
/// </summary>
public sealed class Adam : optim.Optimizer
{
    private const int Taken = 1;
    private const int NotInOnePass = 2;
    private readonly State[] state;
    private readonly AdamOptions options;

    internal Adam(IEnumerable<Parameter> parameters, double lr, double beta1, double beta2, double eps, double weight_decay, bool amsgrad, bool maximize)
        : base(parameters)
    {
        options = new AdamOptions(beta1, beta2, eps, weight_decay, amsgrad, maximize);
        options.Check(lr);
        LearningRate = lr;
        state = [.. Parameters.Select(parameter => new State(parameter, amsgrad))];
    }

    /// <summary>Size of a step; may be changed between steps.</summary>
    public double LearningRate { get; set; }

    public override void step()
    {
        for (int i = 0; i < Parameters.Count; i++)
        {
            var moments = Fitting(i);
            if (!TakenInOnePass(Parameters[i], moments))
                StepByOperators(Parameters[i], moments);
        }
    }

    /// <summary>One <see cref="State"/> a parameter, in their order: the optimizer's own, not copies.</summary>
    public StateDictionary state_dict() => new(state);

    /// <summary>Copies the state of the same parameters.</summary>
    public void load_state_dict(StateDictionary source)
    {
        if (source.State.Count != state.Length)
            throw new ArgumentException($"Adam has {state.Length} parameters, the state {source.State.Count}.");
        using var unrecorded = no_grad();
        for (int i = 0; i < state.Length; i++)
            state[i].Copy((State)source.State[i]);
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var moments in state)
            moments.Dispose();
    }

    // A network may change its type or device until the first step.
    private State Fitting(int at)
    {
        var parameter = Parameters[at];
        if (state[at].step == 0 && (state[at].exp_avg.dtype != parameter.dtype || state[at].exp_avg.device != parameter.device))
        {
            state[at].Dispose();
            state[at] = new State(parameter, options.Amsgrad);
        }
        return state[at];
    }

    // Also where there is no gradient to step along.
    private bool TakenInOnePass(Parameter parameter, State moments)
    {
        if (options.Amsgrad)
            return false;
        var how = new NativeAdam
        {
            Rate = LearningRate,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Eps = options.Eps,
            WeightDecay = options.WeightDecay,
            Step = moments.step + 1,
            Maximize = options.Maximize ? 1 : 0,
        };
        NativeTorch.Check(
            NativeTorch.pimm_adam_step(how, parameter.Handle, moments.exp_avg.Handle, moments.exp_avg_sq.Handle, out int taken),
            $"adam({parameter.Describe()})");
        moments.step += taken == Taken ? 1 : 0;
        return taken != NotInOnePass;
    }

    private void StepByOperators(Parameter parameter, State moments)
    {
        using var unrecorded = no_grad();
        using var scope = NewDisposeScope();
        if (parameter.grad is not { } gradient)
            return;
        moments.step++;
        if (options.Maximize)
            gradient = gradient.neg();
        if (options.WeightDecay != 0)
            gradient = gradient.add(parameter, options.WeightDecay);

        moments.exp_avg.mul_(options.Beta1).add_(gradient, 1 - options.Beta1);
        moments.exp_avg_sq.mul_(options.Beta2).addcmul_(gradient, gradient, 1 - options.Beta2);
        double firstCorrection = 1 - Math.Pow(options.Beta1, moments.step);
        double secondCorrection = 1 - Math.Pow(options.Beta2, moments.step);
        var spread = moments.max_exp_avg_sq is { } largest ? largest.copy_(largest.maximum(moments.exp_avg_sq)) : moments.exp_avg_sq;
        var denominator = spread.sqrt().div_(Math.Sqrt(secondCorrection)).add_(options.Eps);
        parameter.addcdiv_(moments.exp_avg, denominator, -LearningRate / firstCorrection);
    }

    private sealed record AdamOptions(double Beta1, double Beta2, double Eps, double WeightDecay, bool Amsgrad, bool Maximize)
    {
        public void Check(double lr)
        {
            if (lr < 0 || Eps < 0 || WeightDecay < 0)
                throw new ArgumentException($"Adam: lr {lr}, eps {Eps} and weight_decay {WeightDecay} must not be negative.");
            if (Beta1 is not (>= 0 and < 1) || Beta2 is not (>= 0 and < 1))
                throw new ArgumentException($"Adam: beta1 {Beta1} and beta2 {Beta2} must be at least 0 and below 1.");
        }
    }

    /// <summary>What Adam remembers of one parameter: how many steps it took, and the running means of its gradients and their squares.</summary>
    public sealed class State : OptimizerState, IDisposable
    {
        public long step;
        public Tensor exp_avg;
        public Tensor exp_avg_sq;
        public Tensor? max_exp_avg_sq;

        internal State(Parameter parameter, bool amsgrad)
        {
            using var unrecorded = no_grad();
            exp_avg = zeros_like(parameter).DetachFromDisposeScope();
            exp_avg_sq = zeros_like(parameter).DetachFromDisposeScope();
            max_exp_avg_sq = amsgrad ? zeros_like(parameter).DetachFromDisposeScope() : null;
        }

        internal void Copy(State source)
        {
            step = source.step;
            exp_avg.copy_(source.exp_avg);
            exp_avg_sq.copy_(source.exp_avg_sq);
            if (source.max_exp_avg_sq is { } largest)
                max_exp_avg_sq?.copy_(largest);
        }

        public void Dispose()
        {
            exp_avg.Dispose();
            exp_avg_sq.Dispose();
            max_exp_avg_sq?.Dispose();
        }
    }
}
