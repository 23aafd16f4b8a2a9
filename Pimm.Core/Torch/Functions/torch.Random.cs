namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A stream of random numbers (libtorch's Mersenne Twister; Philox on a device). Drawing from one leaves every other stream alone.
    /// </summary>
    public sealed class Generator : IDisposable
    {
        private readonly GeneratorHandle handle;

        public Generator(ulong seed = 0, Device? device = null) : this(Make(unchecked((long)seed), device)) { }

        internal Generator(GeneratorHandle handle) => this.handle = handle;

        /// <summary>Starts the stream anew.</summary>
        public Generator manual_seed(long seed)
        {
            NativeTorch.Check(NativeTorch.pimm_generator_seed(handle, seed), "manual_seed");
            return this;
        }

        /// <summary>All that later draws depend on: save it to go on from the same point.</summary>
        public Tensor get_state()
        {
            NativeTorch.Check(NativeTorch.pimm_generator_state(handle, out nint state), "get_state");
            return new Tensor(state);
        }

        public void set_state(Tensor value) =>
            NativeTorch.Check(NativeTorch.pimm_generator_set_state(handle, value.Handle), $"set_state({value.Describe()})");

        public void Dispose() => handle.Dispose();

        internal nint Hold()
        {
            bool held = false;
            handle.DangerousAddRef(ref held);
            return handle.DangerousGetHandle();
        }

        internal void Release() => handle.DangerousRelease();

        private static GeneratorHandle Make(long seed, Device? device)
        {
            NativeTorch.Check(
                device is null or { type: DeviceType.CPU } ? NativeTorch.pimm_generator_new(seed, out nint made) : NativeTorch.pimm_generator_on(device.index, seed, out made),
                "Generator");
            return new GeneratorHandle(made);
        }
    }

    /// <summary>Seeds the generator behind every operator that is given none, on all devices.</summary>
    public static Generator manual_seed(long seed)
    {
        NativeTorch.Check(NativeTorch.pimm_seed_all(seed), "manual_seed");
        return default_generator();
    }

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Tensor get_rng_state() => torch.get_rng_state();

        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }

    /// <summary>All that later draws depend on of the generator behind every operator on the CPU that is given none.</summary>
    public static Tensor get_rng_state()
    {
        using var generator = default_generator();
        return generator.get_state();
    }

    /// <summary>Goes on from a point that <see cref="get_rng_state"/> kept.</summary>
    public static void set_rng_state(Tensor new_state)
    {
        using var generator = default_generator();
        generator.set_state(new_state);
    }

    public static Tensor rand(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        Made(Ops.RandGenerator.Call(size, generator, dtype, Argument.None, device), requires_grad);

    public static Tensor rand(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        rand([size], dtype, device, requires_grad, generator);

    public static Tensor rand(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        rand([rows, columns], dtype, device, requires_grad, generator);

    public static Tensor randn(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        Made(Ops.RandnGenerator.Call(size, generator, dtype, Argument.None, device), requires_grad);

    public static Tensor randn(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        randn([size], dtype, device, requires_grad, generator);

    public static Tensor randn(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        randn([rows, columns], dtype, device, requires_grad, generator);

    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, Generator? generator = null) =>
        Ops.RandintGenerator.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Argument.None, device);

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, Generator? generator = null) =>
        randint(0, high, size, dtype, device, generator);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, Generator? generator = null) =>
        Ops.RandpermGenerator.Call(n, generator, dtype ?? ScalarType.Int64, Argument.None, device);

    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.RandLike.Call(input, dtype, Argument.None, device), requires_grad);

    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.RandnLike.Call(input, dtype, Argument.None, device), requires_grad);

    /// <summary>1 with the probability that the input says, else 0.</summary>
    public static Tensor bernoulli(Tensor input, Generator? generator = null) => Ops.Bernoulli.Call(input, generator);

    private static Generator default_generator()
    {
        NativeTorch.Check(NativeTorch.pimm_generator_default(out nint made), "manual_seed");
        return new Generator(new GeneratorHandle(made));
    }
}
