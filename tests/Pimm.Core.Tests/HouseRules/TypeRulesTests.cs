using System.Reflection;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.HouseRules;

public sealed class TypeRulesTests
{
    private static readonly Type[] Types = [.. typeof(InputException).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("Pimm.Core", StringComparison.Ordinal) == true)];

    [Fact]
    public void Stores_are_sealed()
    {
        var stores = Types.Where(type => type.Name.EndsWith("Store", StringComparison.Ordinal)).ToList();

        stores.ShouldNotBeEmpty();
        stores.Where(type => !type.IsSealed).ShouldBeEmpty();
    }

    [Fact]
    public void SQL_is_a_constant_of_a_private_field()
    {
        var exposed =
            from type in Types
            where type.Name.EndsWith("Store", StringComparison.Ordinal)
            from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            where field.FieldType == typeof(string) && !field.IsLiteral && !field.IsInitOnly
            select $"{type.Name}.{field.Name}";

        exposed.ShouldBeEmpty();
    }

    [Fact]
    public void Records_of_data_cannot_be_changed()
    {
        var changeable =
            from type in Types
            where type.GetMethod("<Clone>$") is not null
            from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            where property.SetMethod is { IsPublic: true } set && !set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit))
            select $"{type.Name}.{property.Name}";

        changeable.ShouldBeEmpty();
    }

    [Fact]
    public void Constructors_take_at_most_five_dependencies()
    {
        var greedy =
            from type in Types
            where type.IsClass && type.GetMethod("<Clone>$") is null && !type.IsNested
            from constructor in type.GetConstructors()
            where constructor.GetParameters().Count(parameter => IsDependency(parameter.ParameterType)) > 5
            select type.Name;

        greedy.ShouldBeEmpty();
    }

    private static bool IsDependency(Type type) =>
        !type.IsValueType && type != typeof(string) && !type.IsArray && type.Namespace?.StartsWith("System", StringComparison.Ordinal) != true;
}
