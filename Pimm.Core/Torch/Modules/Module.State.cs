using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public abstract partial class Module
        {
            /// <summary>Parameters and buffers by their full names. The tensors are the module's own, not copies.</summary>
            public Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                var state = destination ?? [];
                string start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach (var (name, parameter) in Walk(m => m.ownParameters, true))
                    state.TryAdd(start + name, parameter);
                foreach (var (name, buffer) in named_buffers())
                    state.TryAdd(start + name, buffer);
                return state;
            }

            /// <summary>
            /// Copies the given numbers into the parameters and buffers of the same names, all or nothing.
            /// Strictly, both sides must have the same names; shapes must always agree.
            /// </summary>
            public (IList<string> missing_keys, IList<string> unexpected_keys) load_state_dict(Dictionary<string, Tensor> source, bool strict = true)
            {
                var own = state_dict();
                var missing = own.Keys.Except(source.Keys).Order(StringComparer.Ordinal).ToList();
                var unexpected = source.Keys.Except(own.Keys).Order(StringComparer.Ordinal).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                    throw new InvalidOperationException($"load_state_dict({GetName()}): missing [{string.Join(", ", missing)}], unexpected [{string.Join(", ", unexpected)}].");

                var shared = own.Where(o => source.ContainsKey(o.Key)).ToList();
                foreach (var (name, mine) in shared)
                {
                    if (!mine.shape.SequenceEqual(source[name].shape))
                        throw new ArgumentException($"load_state_dict({GetName()}): {name} is {mine.Describe()}, {source[name].Describe()} was given.");
                }

                using var _ = no_grad();
                foreach (var (name, mine) in shared)
                    mine.copy_(source[name]);
                return (missing, unexpected);
            }

            /// <summary>Registers every field that holds a part, a parameter or a tensor (a buffer) under the field's name.</summary>
            protected void RegisterComponents()
            {
                foreach (var field in ComponentFields(GetType()))
                {
                    string name = field.Name;
                    if (ownParameters.ContainsKey(name) || ownBuffers.ContainsKey(name) || ownModules.ContainsKey(name))
                        continue;
                    switch (field.GetValue(this))
                    {
                        case Module module:
                            register_module(name, module);
                            break;
                        case Parameter parameter:
                            register_parameter(name, parameter);
                            break;
                        case Tensor buffer:
                            register_buffer(name, buffer);
                            break;
                    }
                }
            }

            internal void Move(Device? device, ScalarType? type)
            {
                foreach (var parameter in parameters())
                    parameter.Become(device, type);
                foreach (var buffer in buffers())
                    buffer.Become(device, type);
            }

            // Base classes first, each in the order of its source: the order of parameters decides what a seed gives them.
            private static IEnumerable<FieldInfo> ComponentFields(Type type)
            {
                if (type == typeof(Module) || type.BaseType is null)
                    return [];
                var own = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
                return ComponentFields(type.BaseType).Concat(own.OrderBy(f => f.MetadataToken));
            }
        }
    }
}

/// <summary>Moves that answer the module's own type.</summary>
public static class ModuleMoves
{
    public static T to<T>(this T module, torch.Device device) where T : torch.nn.Module
    {
        module.Move(device, null);
        return module;
    }

    /// <summary>Changes the type of all numbers with a fraction; counts and ids keep theirs.</summary>
    public static T to<T>(this T module, torch.ScalarType type) where T : torch.nn.Module
    {
        module.Move(null, type);
        return module;
    }

    public static T cpu<T>(this T module) where T : torch.nn.Module => module.to(torch.CPU);

    public static T cuda<T>(this T module) where T : torch.nn.Module => module.to(torch.CUDA);
}
