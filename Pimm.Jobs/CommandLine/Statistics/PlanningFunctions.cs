using System.Text.Json.Serialization;
using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>What to settle before an experiment starts.</summary>
public static class PlanningFunctions
{
    private const double UsualPower = 0.8;

    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("power", "power of n customers a group, sample size of a power (default 0.8) and the lift that can be detected; of a rate (baseline) or mean and variance; groups share the level; sequential: the power of the last look; method relative (default) or absolute: the scale of the standard error; perDay customers a group: days",
            """{"baseline":0.02,"lift":0.05,"power":0.8,"sequential":true,"plannedTotal":5000}""",
            ["baseline", "mean", "variance", "lift", "n", "power", "groups", "sequential", "plannedTotal", "method", "perDay"], [], Power),
        new("false-positive-risk", "the share of false findings among all findings at this p", """{"nullShare":0.9,"power":0.8,"p":0.05}""",
            ["nullShare", "power", "p"], [], Risk),
        new("rerandomize", "the threshold of Mahalanobis' distance that accepts a share of splits, and the variance of a difference that it leaves",
            """{"covariates":3,"acceptance":0.01}""", ["covariates", "acceptance"], [], Rerandomise),
    ];

    private static PowerAnswer Power(StatsInput input)
    {
        var (lift, given) = (input.OptionalNumber("lift"), input.OptionalWhole("n", 1));
        if (lift is null && given is null)
            throw new InputException("lift and n are both missing; give lift, or n, or both.");
        if (input.Number(input.Has("mean") ? "mean" : "baseline") == 0)
            return new(null, null, null, null, null, "The baseline is zero, so a relative lift is not defined.");
        var (plan, target) = (Plan(input), input.Number("power", UsualPower));
        double? size = lift is { } sought && (given is null || plan.CanFind(sought)) ? plan.SampleSize(sought, target) : null;
        var n = given ?? size!.Value;
        double? power = lift is null ? null : given is null ? target : plan.Power(lift.Value, n);
        var (days, expected) = Days(input, plan, lift, n);
        var detectable = plan.MinimumDetectableLift(n, target);
        string?[] notes =
        [
            lift is not null && size is null ? FormattableString.Invariant($"A lift of {lift} cannot be found by this test at any size, so there is no sample size.") : null,
            detectable is null ? "No possible lift is detected with so few customers at this power." : null,
        ];
        var note = string.Join(' ', notes.Where(one => one is not null));
        return new(power, size, detectable, days, expected, note.Length > 0 ? note : null);
    }

    private static PowerPlan Plan(StatsInput input)
    {
        if (input.Has("baseline") && input.Has("mean"))
            throw new InputException("baseline and mean are both given; give the baseline of a rate, or mean and variance.");
        var plan = input.Has("mean") ? PowerPlan.OfMean(input.Number("mean"), input.Number("variance")) : PowerPlan.OfRate(input.Number("baseline"));
        return plan with
        {
            Scale = input.Choice("method", "relative", "absolute") == "absolute" ? PowerScale.Absolute : PowerScale.Relative,
            Level = input.Level,
            Groups = (int)Math.Min(int.MaxValue, input.Has("groups") ? input.Whole("groups", 2) : 2),
            Sequential = input.Flag("sequential", false),
            PlannedTotal = input.OptionalNumber("plannedTotal"),
        };
    }

    private static (double? Days, double? Expected) Days(StatsInput input, PowerPlan plan, double? lift, double n)
    {
        if (input.OptionalNumber("perDay") is not { } perDay)
            return (null, null);
        if (!(perDay > 0))
            throw new InputException(FormattableString.Invariant($"perDay is {perDay}; give the customers a group that a day brings, above 0."));
        var days = Math.Ceiling(n / perDay);
        return lift is null || !plan.Sequential || days > StoppingPlan.MostDays
            ? (days, null)
            : (days, plan.Stopping(lift.Value, perDay, (int)days).ExpectedDays);
    }

    private static RiskAnswer Risk(StatsInput input) =>
        FalsePositiveRisk.Of(input.Number("nullShare"), input.Number("power"), input.Number("p")) is { } risk
            ? new(risk, null)
            : new(null, "Nothing can be found at this p and power, so there is no share of false findings.");

    private static object Rerandomise(StatsInput input) =>
        Rerandomisation.Of((int)Math.Min(int.MaxValue, input.Whole("covariates", 1)), input.Number("acceptance"));

    private sealed record PowerAnswer(
        double? Power, double? SampleSize, double? MinimumDetectableLift,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Days,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? ExpectedDays,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);

    private sealed record RiskAnswer(double? Risk, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
}
