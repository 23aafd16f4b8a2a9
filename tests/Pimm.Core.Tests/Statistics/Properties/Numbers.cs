using System.Collections;
using System.Reflection;
using Shouldly;

namespace Pimm.Core.Tests.Statistics.Properties;

/// <summary>What every answer owes, whatever it is about.</summary>
public static class Numbers
{
    /// <summary>No double in the record, its records and its lists is NaN.</summary>
    public static void ShouldHaveNoNaN(this object? answer)
    {
        if (answer is double number)
            double.IsNaN(number).ShouldBeFalse();
        else if (answer is IEnumerable many and not string)
            foreach (object? one in many)
                one.ShouldHaveNoNaN();
        else if (answer is not null && answer.GetType().Namespace == "Pimm.Core.Statistics" && !answer.GetType().IsEnum)
            foreach (PropertyInfo property in answer.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0))
                if (property.GetValue(answer) is { } value && !ReferenceEquals(value, answer))
                    (value is double d && double.IsNaN(d)).ShouldBeFalse($"{answer.GetType().Name}.{property.Name} of {answer}");
    }

    /// <summary>a·b = 1, where one may be infinite and the other 0.</summary>
    public static void ShouldBeReciprocalOf(this double value, double other, double tolerance = 1e-8)
    {
        if (value == 0 || other == 0)
            Math.Max(value, other).ShouldBeGreaterThan(1e8);
        else if (!double.IsInfinity(value) && !double.IsInfinity(other) && value > 1e-8 && other > 1e-8)
            (value * other).ShouldBe(1, tolerance * Math.Max(1, Math.Max(1 / value, 1 / other)));
    }
}
