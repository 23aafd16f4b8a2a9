using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A part of a network: its parameters, its buffers (state that is saved, not learned) and the parts it is made of, by name.</summary>
        public abstract partial class Module(string name) : IDisposable
        {
            private readonly Dictionary<string, Parameter> ownParameters = [];
            private readonly Dictionary<string, Tensor> ownBuffers = [];
            private readonly Dictionary<string, Module> ownModules = [];
            private bool disposed;

            public virtual string GetName() => name;

            public bool training { get; private set; } = true;

            public Module train(bool on = true)
            {
                training = on;
                foreach (var part in ownModules.Values)
                    part.train(on);
                return this;
            }

            public Module eval() => train(false);

            public void register_parameter(string name, Parameter? parameter)
            {
                if (parameter is null)
                    return;
                CheckNewName(name);
                parameter.DetachFromDisposeScope();
                ownParameters.Add(name, parameter);
            }

            public void register_buffer(string name, Tensor? tensor)
            {
                if (tensor is null)
                    return;
                CheckNewName(name);
                tensor.DetachFromDisposeScope();
                ownBuffers.Add(name, tensor);
            }

            public void register_module(string name, Module? submodule)
            {
                if (submodule is null)
                    return;
                CheckNewName(name);
                if (ReferenceEquals(submodule, this))
                    throw new ArgumentException($"{GetName()} cannot be a part of itself.");
                ownModules.Add(name, submodule);
            }

            public IEnumerable<(string name, Module module)> named_children() => ownModules.Select(m => (m.Key, m.Value));

            public IEnumerable<Module> children() => ownModules.Values;

            public IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (childName, child) in named_children())
                {
                    yield return (childName, child);
                    foreach (var (innerName, inner) in child.named_modules())
                        yield return ($"{childName}.{innerName}", inner);
                }
            }

            public IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            /// <summary>Own parameters first, then those of the parts; one that is shared appears once, under its first name.</summary>
            public IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) =>
                Walk(m => m.ownParameters, recurse).DistinctBy(p => p.item, ReferenceEqualityComparer.Instance);

            public IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            public IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true) => Walk(m => m.ownBuffers, recurse);

            public IEnumerable<Tensor> buffers(bool recurse = true) => named_buffers(recurse).Select(b => b.buffer);

            public void requires_grad_(bool requires_grad = true)
            {
                foreach (var parameter in parameters())
                    parameter.requires_grad = requires_grad;
            }

            public void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters())
                    parameter.ClearGradient(set_to_none);
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || disposed)
                    return;
                disposed = true;
                foreach (var tensor in ownParameters.Values.Concat(ownBuffers.Values))
                    tensor.Dispose();
                foreach (var part in ownModules.Values)
                    part.Dispose();
            }

            private void CheckNewName(string newName)
            {
                if (newName.Length == 0 || newName.Contains('.', StringComparison.Ordinal))
                    throw new ArgumentException($"\"{newName}\" cannot name a part of {GetName()}: names are not empty and have no dot.");
                if (ownParameters.ContainsKey(newName) || ownBuffers.ContainsKey(newName) || ownModules.ContainsKey(newName))
                    throw new ArgumentException($"{GetName()} already has a part named {newName}.");
            }

            private IEnumerable<(string name, T item)> Walk<T>(Func<Module, Dictionary<string, T>> own, bool recurse)
            {
                foreach (var (itemName, item) in own(this))
                    yield return (itemName, item);
                if (!recurse)
                    yield break;
                foreach (var (childName, child) in ownModules)
                {
                    foreach (var (innerName, item) in child.Walk(own, true))
                        yield return ($"{childName}.{innerName}", item);
                }
            }
        }

        /// <summary>A part that turns one thing into another.</summary>
        public abstract class Module<T, TResult>(string name) : Module(name)
        {
            public abstract TResult forward(T input);

            public TResult call(T input) => forward(input);
        }

        public abstract class Module<T1, T2, TResult>(string name) : Module(name)
        {
            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2) => forward(input1, input2);
        }

        public abstract class Module<T1, T2, T3, TResult>(string name) : Module(name)
        {
            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            public TResult call(T1 input1, T2 input2, T3 input3) => forward(input1, input2, input3);
        }
    }
}
