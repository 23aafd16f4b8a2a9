using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>Which standard error a plan is made with.</summary>
public enum PowerScale
{
    /// <summary>
    /// Of the relative lift by the delta method, the treatment's mean being m + |m|δ = m(1 ± δ), minus at a negative m, and its
    /// variance the control's: √(v/n·(1 + (1 ± δ)²))/|m|. At rare conversions it asks for some 3 % more than the log risk ratio needs.
    /// </summary>
    Relative,

    /// <summary>Of the difference: √((v + v_T)/n)/|m|, v_T = p₂(1 − p₂) with p₂ = p(1 + δ) for a rate; near to the log risk ratio's.</summary>
    Absolute,
}

/// <summary>
/// What a test of a relative lift δ can find with n customers in each group: power, sample size and detectable lift
/// (Cohen 1988; the sample size of the absolute scale as Chow, Shao and Wang 2008, 4.2). All groups are equally large and each
/// treatment is compared with one control, α shared by Bonferroni; a sequential test is judged by its last look.
/// </summary>
/// <remarks>
/// Sequentially the power of the last look is Φ(δ/SE − z_seq) + Φ(−δ/SE − z_seq): the boundary moves, the standard error does
/// not. (Dividing δ by SE·z_seq/z instead, as some planners do, asks for 40 % too many customers.) The power of all looks is
/// a little higher: <see cref="StoppingPlan"/>.
/// </remarks>
public sealed record PowerPlan
{
    private PowerPlan(double mean, double variance, bool isRate) => (Mean, Variance, IsRate) = (mean, variance, isRate);

    /// <summary>The control's mean, or its rate.</summary>
    public double Mean { get; }

    public double Variance { get; }

    public bool IsRate { get; }

    public PowerScale Scale { get; init; } = PowerScale.Relative;

    public ConfidenceLevel Level { get; init; } = new();

    /// <summary>Control and treatments together, at least 2; α is divided by their number − 1.</summary>
    public int Groups { get; init; } = 2;

    /// <summary>Always-valid bounds instead of a fixed test.</summary>
    public bool Sequential { get; init; }

    /// <summary>N* of the sequential test, customers of the two groups compared; null: 2n, the plan itself.</summary>
    public double? PlannedTotal { get; init; }

    /// <param name="rate">strictly between 0 and 1</param>
    public static PowerPlan OfRate(double rate) => rate > 0 && rate < 1
        ? new(rate, rate * (1 - rate), true)
        : throw new InputException($"A baseline rate of {rate} leaves nothing to plan; give one between 0 and 1, both excluded.");

    /// <param name="mean">not 0, and may be negative: a lift is relative to its absolute value</param>
    /// <param name="variance">positive, of one customer's value</param>
    public static PowerPlan OfMean(double mean, double variance)
    {
        if (mean == 0 || !double.IsFinite(mean))
            throw new InputException($"A mean of {mean} has no relative lift; give a finite mean other than 0.");
        if (!(variance > 0) || double.IsInfinity(variance))
            throw new InputException($"A variance of {variance} leaves nothing to plan; give a positive number.");
        return new(mean, variance, false);
    }

    /// <summary>The standard error of the relative lift with n customers in each group.</summary>
    public double StandardError(double lift, double n)
    {
        Check(lift);
        double ratio = Ratio(lift), treated = Mean * ratio, variance = Scale == PowerScale.Relative
            ? Variance * (1 + ratio * ratio)
            : Variance + (IsRate ? Math.Max(0, treated * (1 - treated)) : Variance);
        return n > 0 ? Math.Sqrt(variance / n) / Math.Abs(Mean)
            : throw new InputException($"{n} customers a group are not possible; give a positive number.");
    }

    /// <summary>z at α/(groups − 1), or the sequential multiplier at 2n.</summary>
    public double CriticalValue(double n)
    {
        double alpha = (1 - Level.Confidence) / (Groups >= 2 ? Groups - 1 : throw new InputException($"{Groups} groups compare nothing; give at least 2."));
        bool oneSided = Level.Alternative != Alternative.TwoSided;
        return Sequential
            ? new NormalMixture(PlannedTotal ?? 2 * n, alpha, oneSided).Multiplier(2 * n)
            : -Normal.InvCDF(0, 1, oneSided ? alpha : alpha / 2);
    }

    /// <summary>The chance that one comparison's (last) look finds a lift of this size, on the side or sides that count.</summary>
    public double Power(double lift, double n)
    {
        double effect = lift / StandardError(lift, n), z = CriticalValue(n);
        double up = Normal.CDF(0, 1, effect - z), down = Normal.CDF(0, 1, -effect - z);
        return Level.Alternative switch { Alternative.Greater => up, Alternative.Less => down, _ => up + down };
    }

    /// <summary>Whether enough customers would show this lift: it is not 0, and on the side that is tested.</summary>
    public bool CanFind(double lift) => Towards(lift) > 0;

    /// <summary>
    /// The customers a group, rounded up, with which δ/SE reaches the critical value + z of the power: the chance of finding
    /// the opposite sign, below 1e-6 at a power of .8, is not counted in.
    /// </summary>
    /// <param name="lift">not 0, and on the side that is tested</param>
    /// <param name="power">above α, below 1</param>
    public double SampleSize(double lift, double power)
    {
        CheckPower(power);
        double effect = Towards(lift);
        if (!CanFind(lift))
            throw new InputException($"A lift of {lift} cannot be found by this test at any size; give one that is not 0 and on the side it looks at.");
        double beyond = Normal.InvCDF(0, 1, power);
        double Excess(double logN) => effect / StandardError(lift, Math.Exp(logN)) - CriticalValue(Math.Exp(logN)) - beyond;
        return Math.Ceiling(Math.Exp(Root(Excess, low: 0, high: 80)) * (1 - 1e-12));
    }

    /// <summary>
    /// The smallest lift that n customers a group find with the wanted power; negative where only a loss is looked for. Null
    /// where even the largest possible (a rate of 0 or 1, a mean a thousand times as far from 0) is not found: with n ≤ v·k²/m² on
    /// the relative scale no lift away from 0 is, with half of that none towards and beyond it, where one of 200 % is found best.
    /// </summary>
    public double? MinimumDetectableLift(double n, double power)
    {
        CheckPower(power);
        double sign = Level.Alternative == Alternative.Less ? -1 : 1;
        double largest = IsRate ? (sign < 0 ? 1 : 1 / Mean - 1) : Scale == PowerScale.Relative && sign * Mean < 0 ? 2 : 1000;
        double wanted = CriticalValue(n) + Normal.InvCDF(0, 1, power);
        double Excess(double size) => size / StandardError(sign * size, n) - wanted;
        // On the edge of what is possible the treatment's variance may be 0.
        double reachable = largest * (1 - 1e-9);
        return Excess(reachable) < 0 ? null : sign * Root(Excess, 0, reachable);
    }

    /// <summary>
    /// When the sequential test is expected to end, looked at daily, every day bringing as many customers to each group; N* as
    /// planned, or all customers of these days.
    /// </summary>
    public StoppingPlan Stopping(double lift, double customersPerDay, int days)
    {
        double clock = 2 * customersPerDay, alpha = (1 - Level.Confidence) / (Groups - 1);
        var boundary = new NormalMixture(PlannedTotal ?? clock * days, alpha, Level.Alternative != Alternative.TwoSided);
        return StoppingPlan.Of(Towards(lift) / StandardError(lift, customersPerDay), clock, boundary, days);
    }

    /// <summary>The treatment's mean ÷ the control's: a lift is relative to |mean|.</summary>
    private double Ratio(double lift) => 1 + Math.Sign(Mean) * lift;

    private double Towards(double lift) => Level.Alternative switch { Alternative.Greater => lift, Alternative.Less => -lift, _ => Math.Abs(lift) };

    private void Check(double lift)
    {
        if (!double.IsFinite(lift) || (IsRate && (lift < -1 || Mean * (1 + lift) > 1 + 1e-12)))
            throw new InputException($"A lift of {lift} on a baseline of {Mean} is not possible; the treatment's rate must stay between 0 and 1.");
    }

    private void CheckPower(double power)
    {
        if (!(power > 1 - Level.Confidence && power < 1))
            throw new InputException($"A power of {power} cannot be planned for; give one above the false-positive rate {1 - Level.Confidence:0.####} and below 1, for example 0.8.");
    }

    /// <summary>Where an increasing function crosses 0, to the last bits.</summary>
    private static double Root(Func<double, double> function, double low, double high)
    {
        for (int i = 0; i < 200 && high - low > 1e-15 * high; i++)
        {
            double middle = (low + high) / 2;
            if (function(middle) < 0)
                low = middle;
            else
                high = middle;
        }
        return high;
    }
}
