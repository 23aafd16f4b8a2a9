using System.Globalization;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) with PyTorch's order of operations: bias-corrected first and second moments,
/// eps added after the root, decay added to the gradient; optionally the running maximum of the second moment (Reddi et al. 2018).
/// </summary>
public sealed class Adam : optim.Optimizer
{
    private readonly Moments?[] state;
    private readonly AdamOptions options;

    internal Adam(IEnumerable<Parameter> parameters, double lr, double beta1, double beta2, double eps, double weight_decay, bool amsgrad, bool maximize)
        : base(parameters)
    {
        options = new AdamOptions(beta1, beta2, eps, weight_decay, amsgrad, maximize);
        options.Check(lr);
        LearningRate = lr;
        state = new Moments?[Parameters.Count];
    }

    /// <summary>Size of a step; may be changed between steps.</summary>
    public double LearningRate { get; set; }

    public override void step()
    {
        using var unrecorded = no_grad();
        using var scope = NewDisposeScope();
        for (int i = 0; i < Parameters.Count; i++)
        {
            if (Parameters[i].grad is { } gradient)
                Update(Parameters[i], gradient, state[i] ??= Moments.Of(Parameters[i], options.Amsgrad));
        }
    }

    /// <summary>The moments of parameter i as <c>i.exp_avg</c>, <c>i.exp_avg_sq</c>, <c>i.max_exp_avg_sq</c>, and its steps as <c>i.step</c>.</summary>
    public Dictionary<string, Tensor> state_dict()
    {
        var all = new Dictionary<string, Tensor>();
        for (int i = 0; i < state.Length; i++)
        {
            if (state[i] is not { } moments)
                continue;
            string prefix = i.ToString(CultureInfo.InvariantCulture);
            all.Add($"{prefix}.step", tensor(moments.Steps));
            all.Add($"{prefix}.exp_avg", moments.First);
            all.Add($"{prefix}.exp_avg_sq", moments.Second);
            if (moments.Largest is { } largest)
                all.Add($"{prefix}.max_exp_avg_sq", largest);
        }
        return all;
    }

    /// <summary>Copies a state of the same parameters; a parameter the state does not name starts anew.</summary>
    public void load_state_dict(IReadOnlyDictionary<string, Tensor> source)
    {
        using var unrecorded = no_grad();
        for (int i = 0; i < state.Length; i++)
        {
            string prefix = i.ToString(CultureInfo.InvariantCulture);
            state[i]?.Dispose();
            state[i] = source.ContainsKey($"{prefix}.step") ? Moments.Read(source, prefix, Parameters[i], options.Amsgrad) : null;
        }
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var moments in state)
            moments?.Dispose();
        Array.Clear(state);
    }

    private void Update(Parameter parameter, Tensor gradient, Moments moments)
    {
        moments.Steps++;
        if (!options.Amsgrad && InOnePass(parameter) && gradient.is_contiguous() && gradient.dtype == parameter.dtype)
            UpdateInOnePass(parameter, gradient, moments);
        else
            UpdateByOperators(parameter, gradient, moments);
    }

    private static bool InOnePass(Parameter parameter) =>
        parameter.device_type == DeviceType.CPU && parameter.is_contiguous() && parameter.dtype is (ScalarType.Float32 or ScalarType.Float64);

    private void UpdateInOnePass(Parameter parameter, Tensor gradient, Moments moments)
    {
        var how = new NativeAdam
        {
            Rate = LearningRate,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Eps = options.Eps,
            WeightDecay = options.WeightDecay,
            Step = moments.Steps,
            Maximize = options.Maximize ? 1 : 0,
        };
        NativeTorch.Check(
            NativeTorch.pimm_adam_step(how, parameter.Handle, gradient.Handle, moments.First.Handle, moments.Second.Handle),
            $"adam({parameter.Describe()}, {gradient.Describe()})");
    }

    private void UpdateByOperators(Parameter parameter, Tensor gradient, Moments moments)
    {
        if (options.Maximize)
            gradient = gradient.neg();
        if (options.WeightDecay != 0)
            gradient = gradient.add(parameter, options.WeightDecay);

        moments.First.mul_(options.Beta1).add_(gradient, 1 - options.Beta1);
        moments.Second.mul_(options.Beta2).addcmul_(gradient, gradient, 1 - options.Beta2);
        double firstCorrection = 1 - Math.Pow(options.Beta1, moments.Steps);
        double secondCorrection = 1 - Math.Pow(options.Beta2, moments.Steps);
        var spread = moments.Largest is { } largest ? largest.copy_(largest.maximum(moments.Second)) : moments.Second;
        var denominator = spread.sqrt().div_(Math.Sqrt(secondCorrection)).add_(options.Eps);
        parameter.addcdiv_(moments.First, denominator, -LearningRate / firstCorrection);
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

    private sealed class Moments(Tensor first, Tensor second, Tensor? largest) : IDisposable
    {
        public long Steps { get; set; }

        public Tensor First { get; } = first.DetachFromDisposeScope();

        public Tensor Second { get; } = second.DetachFromDisposeScope();

        public Tensor? Largest { get; } = largest?.DetachFromDisposeScope();

        public static Moments Of(Parameter parameter, bool amsgrad) =>
            new(zeros_like(parameter), zeros_like(parameter), amsgrad ? zeros_like(parameter) : null);

        public static Moments Read(IReadOnlyDictionary<string, Tensor> source, string prefix, Parameter parameter, bool amsgrad)
        {
            var moments = Of(parameter, amsgrad);
            moments.Steps = source[$"{prefix}.step"].ToInt64();
            moments.First.copy_(source[$"{prefix}.exp_avg"]);
            moments.Second.copy_(source[$"{prefix}.exp_avg_sq"]);
            moments.Largest?.copy_(source[$"{prefix}.max_exp_avg_sq"]);
            return moments;
        }

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
            Largest?.Dispose();
        }
    }
}
