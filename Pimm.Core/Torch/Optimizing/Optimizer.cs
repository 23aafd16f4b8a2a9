using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>Changes parameters by their gradients.</summary>
        public abstract class Optimizer : IDisposable
        {
            protected Optimizer(IEnumerable<Parameter> parameters)
            {
                Parameters = parameters.ToArray();
                if (Parameters.Count == 0)
                    throw new ArgumentException("An optimizer needs at least one parameter.", nameof(parameters));
            }

            protected IReadOnlyList<Parameter> Parameters { get; }

            public IEnumerable<Parameter> parameters() => Parameters;

            public void zero_grad(bool set_to_none = true)
            {
                // By number: the enumerator of a list behind an interface would be garbage of every step.
                for (int i = 0; i < Parameters.Count; i++)
                    Parameters[i].ClearGradient(set_to_none);
            }

            /// <summary>One step along the gradients there are; a parameter without one stays.</summary>
            public abstract void step();

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected abstract void Dispose(bool disposing);

            /// <summary>What an optimizer remembers of its parameters.</summary>
            public class StateDictionary
            {
                internal StateDictionary(IEnumerable<OptimizerState> state) => State = [.. state];

                public List<OptimizerState> State { get; }
            }
        }

        public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
            new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

        public static Adam Adam(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
            new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
    }
}
