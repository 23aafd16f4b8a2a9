using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>What the sums of an arm describe.</summary>
public enum ArmKind
{
    Proportion,
    Mean,
    Ratio,
}

/// <summary>A control and a treatment of the same kind, told apart by their fields: conversions, sum or numerator.</summary>
public sealed record StatsArms(StatsInput Control, StatsInput Treatment, ArmKind Kind)
{
    public static readonly IReadOnlyList<string> Names = ["control", "treatment"];

    public static readonly IReadOnlyList<string> ProportionFields = ["n", "conversions"];

    public static readonly IReadOnlyList<string> MeanFields = [.. ProportionFields, "sum", "sumSquares"];

    public static readonly IReadOnlyList<string> RatioFields =
        [.. MeanFields, "numerator", "numeratorSquares", "denominator", "denominatorSquares", "cross"];

    public static StatsArms Of(StatsInput input)
    {
        var (control, treatment) = (input.Object("control"), input.Object("treatment"));
        var kind = KindOf(control, input.Where("control"));
        return KindOf(treatment, input.Where("treatment")) == kind
            ? new StatsArms(control, treatment, kind)
            : throw new InputException($"{input.Where("control")} and {input.Where("treatment")} are of different kinds; give both conversions, both sums or both numerators.");
    }

    /// <summary>Both arms as proportions; another kind is refused.</summary>
    public static (Proportion Control, Proportion Treatment) Proportions(StatsInput input)
    {
        var (control, treatment) = (input.Object("control"), input.Object("treatment"));
        return (Proportion(control), Proportion(treatment));
    }

    public (SampleMean Control, SampleMean Treatment) Samples() => (Sample(Control, Kind), Sample(Treatment, Kind));

    public static Proportion Proportion(StatsInput arm)
    {
        var (n, conversions) = (arm.Whole("n", 1), arm.Whole("conversions"));
        return arm.Checked(() => new Proportion(n, conversions));
    }

    public static Moments Mean(StatsInput arm, string sum = "sum", string squares = "sumSquares")
    {
        var (n, total, totalSquares) = (arm.Whole("n", 1), arm.Number(sum), arm.Number(squares));
        return arm.Checked(() => Moments.OfSums(n, total, totalSquares));
    }

    public static RatioMoments Ratio(StatsInput arm) =>
        new(Mean(arm, "numerator", "numeratorSquares"), Mean(arm, "denominator", "denominatorSquares"), arm.Number("cross"));

    private static SampleMean Sample(StatsInput arm, ArmKind kind)
    {
        SampleMean? sample = kind switch
        {
            ArmKind.Proportion => Proportion(arm).Sample,
            ArmKind.Mean => Mean(arm).Sample,
            _ => Linearised(arm),
        };
        return sample ?? throw new InputException($"{arm.Where("n")} is 1; a variance needs at least two customers.");
    }

    private static SampleMean? Linearised(StatsInput arm)
    {
        var ratio = Ratio(arm);
        return ratio.Denominator.Sum == 0
            ? throw new InputException($"{arm.Where("denominator")} is 0, so the ratio is not defined; give a sum that is not 0.")
            : arm.Checked(ratio.Linearised);
    }

    private static ArmKind KindOf(StatsInput arm, string where)
    {
        ArmKind[] kinds =
        [
            .. arm.Has("conversions") ? [ArmKind.Proportion] : Array.Empty<ArmKind>(),
            .. arm.Has("sum") ? [ArmKind.Mean] : Array.Empty<ArmKind>(),
            .. arm.Has("numerator") ? [ArmKind.Ratio] : Array.Empty<ArmKind>(),
        ];
        return kinds.Length == 1
            ? kinds[0]
            : throw new InputException($"{where} must have exactly one of conversions (a proportion), sum (a mean) and numerator (a ratio).");
    }
}
