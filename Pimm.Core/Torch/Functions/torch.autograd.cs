namespace TorchSharp;

public static partial class torch
{
    public static class autograd
    {
        /// <summary>
        /// Gradients of the outputs' sum with respect to each input, without adding to anybody's <see cref="Tensor.grad"/>.
        /// With <paramref name="allow_unused"/> an input that did not take part answers null.
        /// </summary>
        public static unsafe IList<Tensor?> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            var found = new nint[inputs.Count];
            using var from = new HeldTensors(outputs);
            using var to = new HeldTensors(inputs);
            using var given = new HeldTensors(grad_outputs ?? []);
            fixed (nint* results = found, o = from.Native, i = to.Native, g = given.Native)
            {
                int failed = NativeTorch.pimm_gradients(o, outputs.Count, i, inputs.Count, grad_outputs is null ? null : g,
                    retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, results);
                NativeTorch.Check(failed, $"grad({string.Join(", ", outputs.Select(t => t.Describe()))})");
            }
            return found.Select(native => native == 0 ? null : new Tensor(native)).ToArray();
        }
    }

    /// <summary>Keeps handles alive through a native call.</summary>
    private sealed class HeldTensors : IDisposable
    {
        private readonly List<TensorHandle> handles = [];

        public HeldTensors(IEnumerable<Tensor> tensors)
        {
            foreach (var tensor in tensors)
            {
                bool held = false;
                tensor.Handle.DangerousAddRef(ref held);
                handles.Add(tensor.Handle);
            }
            Native = handles.Select(h => h.DangerousGetHandle()).ToArray();
        }

        public nint[] Native { get; }

        public void Dispose()
        {
            foreach (var handle in handles)
                handle.DangerousRelease();
        }
    }
}
