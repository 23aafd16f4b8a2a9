using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Shouldly;
using TorchSharp;
using Xunit;

namespace Pimm.Core.Tests.Torch;

/// <summary>
/// The public names of namespace TorchSharp, to be compared with TorchSharp's own when one replaces the other.
/// A wanted change is accepted by running this test with PIMM_ACCEPT=1.
/// </summary>
public class TorchSurfaceTests
{
    private static readonly NullabilityInfoContext Nullability = new();

    [Fact]
    public void The_public_surface_is_the_verified_one()
    {
        string path = Path.Combine(Folder(), "TorchSurface.verified.txt");
        string surface = Surface();
        if (Environment.GetEnvironmentVariable("PIMM_ACCEPT") == "1")
            File.WriteAllText(path, surface);

        surface.ShouldBe(File.Exists(path) ? File.ReadAllText(path) : "", "Run this test with PIMM_ACCEPT=1 where the change is wanted.");
    }

    private static string Surface()
    {
        var text = new StringBuilder();
        var types = typeof(torch).Assembly.GetTypes()
            .Where(t => t.Namespace is "TorchSharp" or "TorchSharp.Modules" or "TorchSharp.Utils")
            .Where(IsVisible)
            .OrderBy(t => t.FullName, StringComparer.Ordinal);
        foreach (var type in types)
        {
            text.Append(Name(type)).Append('\n');
            foreach (string member in Members(type).Distinct().Order(StringComparer.Ordinal))
                text.Append("  ").Append(member).Append('\n');
        }
        return text.ToString();
    }

    private static bool IsVisible(Type type) => type.IsVisible && !type.IsDefined(typeof(CompilerGeneratedAttribute));

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
            return Enum.GetNames(type).Select(n => $"{n} = {Convert.ToInt64(Enum.Parse(type, n), null)}");
        var constructors = type.GetConstructors(All).Where(Seen).Select(c => $"new({Parameters(c)})");
        var methods = type.GetMethods(All).Where(m => Seen(m) && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)))
            .Where(m => !m.Name.Contains('<', StringComparison.Ordinal) && !m.Name.Contains('.', StringComparison.Ordinal))
            .Select(m => $"{Static(m)}{m.Name}{Generics(m)}({Parameters(m)}) -> {Name(m.ReturnType)}");
        var properties = type.GetProperties(All).Where(p => p.GetAccessors(true).Any(Seen))
            .Select(p => $"{Static(p.GetAccessors(true)[0])}{p.Name}: {Name(p.PropertyType)}{(p.SetMethod is { } set && Seen(set) ? " (get, set)" : "")}");
        var fields = type.GetFields(All).Where(f => f.IsPublic).Select(f => $"const {f.Name}: {Name(f.FieldType)}");
        return constructors.Concat(methods).Concat(properties).Concat(fields);
    }

    private static bool Seen(MethodBase method) => method.IsPublic || method.IsFamily;

    private static string Static(MethodBase method) => method.IsStatic ? "static " : "";

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        bool nullable = !parameter.ParameterType.IsValueType && Nullability.Create(parameter).WriteState == NullabilityState.Nullable;
        string value = parameter.HasDefaultValue ? $" = {Value(parameter.RawDefaultValue)}" : "";
        return $"{Name(parameter.ParameterType)}{(nullable ? "?" : "")} {parameter.Name}{value}";
    }

    private static string Value(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Name(inner) + "?";
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        string start = type.DeclaringType is { } outer && !type.IsGenericParameter ? Name(outer) + "." : "";
        string own = type.Name.Split('`')[0];
        return start + (type.IsGenericType ? $"{own}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : own);
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
