using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Within it operations record nothing for gradients. A mode belongs to its thread: do not await inside.</summary>
    public static IDisposable no_grad() => new GradientMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradientMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradientMode(mode);

    public static bool is_grad_enabled() => NativeTorch.pimm_gradients_recorded() != 0;

    /// <summary>As <see cref="no_grad"/>, and what is made within can never take part in gradients: the fastest way to score.</summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static void set_num_threads(int num) =>
        NativeTorch.Check(NativeTorch.pimm_set_threads(num), $"set_num_threads({num})");

    public static int get_num_threads() => NativeTorch.pimm_threads();

    public static void set_num_interop_threads(int num) =>
        NativeTorch.Check(NativeTorch.pimm_set_interop_threads(num), $"set_num_interop_threads({num})");

    public static int get_num_interop_threads() => NativeTorch.pimm_interop_threads();

    /// <summary>The version of libtorch this was built for.</summary>
    public static string __version__ => Marshal.PtrToStringUTF8(NativeTorch.pimm_compiled_version())!;

    public static class cuda
    {
        public static bool is_available() => device_count() > 0;

        public static int device_count() => NativeTorch.pimm_cuda_count();
    }

    public static class backends
    {
        public static class cuda
        {
            public static class matmul
            {
                /// <summary>Whether float32 matrix products on a CUDA device may round their factors to TF32; no by default.</summary>
                public static bool allow_tf32
                {
                    get
                    {
                        NativeTorch.Check(NativeTorch.pimm_tf32_allowed(out int allowed), "allow_tf32");
                        return allowed != 0;
                    }
                    set => NativeTorch.Check(NativeTorch.pimm_allow_tf32(value ? 1 : 0), $"allow_tf32({value})");
                }
            }
        }
    }

    private sealed class GradientMode : IDisposable
    {
        private readonly int before = NativeTorch.pimm_gradients_recorded();

        public GradientMode(bool recorded) => NativeTorch.pimm_record_gradients(recorded ? 1 : 0);

        public void Dispose() => NativeTorch.pimm_record_gradients(before);
    }

    private sealed class InferenceMode : IDisposable
    {
        private nint guard;

        public InferenceMode(bool enabled) => NativeTorch.Check(NativeTorch.pimm_inference_begin(enabled ? 1 : 0, out guard), "inference_mode");

        public void Dispose()
        {
            if (guard != 0)
                NativeTorch.pimm_inference_end(guard);
            guard = 0;
        }
    }
}
