using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>Parts one after the other, named 0, 1, 2, … unless names are given.</summary>
    public sealed class Sequential : Module<Tensor, Tensor>
    {
        private readonly List<Module<Tensor, Tensor>> parts = [];

        internal Sequential(IEnumerable<(string name, Module<Tensor, Tensor> module)> modules) : base(nameof(Sequential))
        {
            foreach (var (name, module) in modules)
            {
                register_module(name, module);
                parts.Add(module);
            }
        }

        public int Count => parts.Count;

        public Module<Tensor, Tensor> this[int index] => parts[index];

        /// <summary>What lies between two parts is disposed as soon as the next has read it, unless gradients need it.</summary>
        public override Tensor forward(Tensor input)
        {
            if (parts.Count == 0)
                return input.alias();
            var current = input;
            foreach (var part in parts)
            {
                var next = part.call(current);
                if (!ReferenceEquals(current, input) && !ReferenceEquals(next, current))
                    current.Dispose();
                current = next;
            }
            return current;
        }
    }

    /// <summary>Parts in a list, named 0, 1, 2, …; whoever holds the list calls them.</summary>
    public sealed class ModuleList<T> : Module, IReadOnlyList<T> where T : Module
    {
        private readonly List<T> parts = [];

        internal ModuleList(IEnumerable<T> modules) : base(nameof(ModuleList<T>))
        {
            foreach (var module in modules)
                Add(module);
        }

        public int Count => parts.Count;

        public T this[int index] => parts[index];

        public void Add(T module)
        {
            register_module(parts.Count.ToString(CultureInfo.InvariantCulture), module);
            parts.Add(module);
        }

        public void append(T module) => Add(module);

        public IEnumerator<T> GetEnumerator() => parts.GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Sequential Sequential(params Module<Tensor, Tensor>[] modules) =>
                new(modules.Select((module, i) => (i.ToString(System.Globalization.CultureInfo.InvariantCulture), module)));

            public static Modules.Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);

            public static Modules.Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => Sequential(modules.ToArray());

            public static Modules.ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}
