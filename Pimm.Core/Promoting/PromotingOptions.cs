namespace Pimm.Core.Promoting;

/// <summary>Settings section <c>Promoting</c>: when a version becomes its line's champion by night.</summary>
public sealed class PromotingOptions
{
    /// <summary>
    /// By what share of the champion's joint log loss a refresh may be worse and still count as no worse. Default 0.01, above 0 to
    /// 0.2. Relative, since a log loss grows with the base rates of a funnel and one number must serve all lines; on the simulated
    /// market 1 % is a tenth of what the best possible model gains over the base rates.
    /// </summary>
    public double Margin { get; set; } = 0.01;

    /// <summary>Chance to promote, within <see cref="Nights"/> nights, any version that is worse by more than the margin. Default 0.05, above 0 to 0.5.</summary>
    public double Alpha { get; set; } = 0.05;

    /// <summary>The nights over which <see cref="Alpha"/> is spent, in days; any so many in a row. Default 60, 1 to 1,000.</summary>
    public int Nights { get; set; } = 60;

    /// <summary>Positives of the last stage without which nothing is promoted, and positives without which a stage's calibration is not judged. Default 100, 1 to 1,000,000.</summary>
    public int MinimumPositives { get; set; } = 100;

    /// <summary>Smallest predicted / observed of each stage. Default 0.9, above 0 to 1.</summary>
    public double CalibrationLowest { get; set; } = 0.9;

    /// <summary>Largest predicted / observed of each stage. Default 1.1, 1 to 10.</summary>
    public double CalibrationHighest { get; set; } = 1.1;

    /// <summary>Rows at which the bounds between two lines are narrowest; any number fixed beforehand is valid. Default 20,000, 100 to 100,000,000.</summary>
    public int PlannedRows { get; set; } = 20_000;

    /// <summary>Threads that predict. Unset, the default: as many as the machine has cores; 1 to 1,024.</summary>
    public int? Threads { get; set; }

    /// <summary>What one night may spend.</summary>
    public double AlphaOfNight => Alpha / Nights;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public PromotingOptions Validated()
    {
        Require(Margin is > 0 and <= 0.2, nameof(Margin), Margin, "above 0 and at most 0.2");
        Require(Alpha is > 0 and <= 0.5, nameof(Alpha), Alpha, "above 0 and at most 0.5");
        Require(Nights is >= 1 and <= 1_000, nameof(Nights), Nights, "1 to 1,000");
        Require(MinimumPositives is >= 1 and <= 1_000_000, nameof(MinimumPositives), MinimumPositives, "1 to 1,000,000");
        Require(CalibrationLowest is > 0 and <= 1, nameof(CalibrationLowest), CalibrationLowest, "above 0 and at most 1");
        Require(CalibrationHighest is >= 1 and <= 10, nameof(CalibrationHighest), CalibrationHighest, "1 to 10");
        Require(PlannedRows is >= 100 and <= 100_000_000, nameof(PlannedRows), PlannedRows, "100 to 100,000,000");
        Require(Threads is null or (>= 1 and <= 1_024), nameof(Threads), Threads ?? 0, "1 to 1,024");
        return this;
    }

    private static void Require(bool holds, string name, double value, string bound)
    {
        if (!holds)
        {
            throw new InputException(FormattableString.Invariant($"The setting Promoting:{name} is {value}: it must be {bound}."));
        }
    }
}
