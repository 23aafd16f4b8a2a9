namespace Pimm.Core.Statistics;

/// <summary>
/// The boundary of a normal-mixture confidence sequence (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, eq. 14;
/// Waudby-Smith et al. 2021, arXiv 2103.06476): value ± SE·<see cref="Multiplier"/> covers the truth at every look at once
/// with probability 1 − α, for estimates whose error is 1/√clock. The clock is what information grows with: customers of
/// both groups, or conversions where the customers are fixed; SE, clock and plan are of one and the same look.
/// </summary>
/// <remarks>
/// Asymptotic: the estimate should be near normal at the first look, so relative lifts belong on the log scale and looks
/// begin after some ten conversions a group. Where they may not, <see cref="SequentialCounts"/> is exact. One-sided at levels
/// above .05 and clocks far below the plan a smaller α can narrow the boundary by a per cent, since the tuning follows α.
/// </remarks>
public sealed record NormalMixture
{
    /// <param name="plannedClock">N* &gt; 0, the clock at which the boundary is narrowest for its α: the planned total</param>
    /// <param name="alpha">0 &lt; α &lt; 1, all looks together; one-sided below .5</param>
    /// <param name="oneSided">the whole of α on one side</param>
    /// <exception cref="InputException">a plan that is not positive and finite, an α outside its range</exception>
    public NormalMixture(double plannedClock, double alpha, bool oneSided = false)
    {
        if (!(plannedClock > 0) || double.IsInfinity(plannedClock))
            throw new InputException($"A planned total of {plannedClock} is not possible; give a positive number.");
        double highest = oneSided ? 0.5 : 1;
        if (!(alpha > 0 && alpha < highest))
            throw new InputException($"A false-positive rate of {alpha} is outside (0, {highest}) of a {(oneSided ? "one" : "two")}-sided sequential test; give for example 0.05.");
        (PlannedClock, Alpha, OneSided) = (plannedClock, alpha, oneSided);
        double log = -2 * Math.Log(oneSided ? 2 * alpha : alpha);
        Tuning = (log + Math.Log(1 + log)) / plannedClock;
    }

    /// <summary>The boundary of a whole experiment that is read at this confidence at every look.</summary>
    public static NormalMixture Of(double plannedClock, ConfidenceLevel level) =>
        new(plannedClock, 1 - level.Confidence, level.Alternative != Alternative.TwoSided);

    public double PlannedClock { get; }

    public double Alpha { get; }

    public bool OneSided { get; }

    /// <summary>ρ², the variance of the mixture: (−2 ln α + ln(1 − 2 ln α))/N*, at 2α where one-sided.</summary>
    public double Tuning { get; }

    /// <summary>
    /// What replaces z: √((1 + 1/x)·(ln(1 + x) − 2 ln α)) with x = ρ²·clock, two-sided; √(2(1 + 1/x)·ln(1 + √(1 + x)/(2α)))
    /// one-sided. Above the fixed z at every clock, infinite at 0.
    /// </summary>
    /// <param name="clock">≥ 0</param>
    public double Multiplier(double clock)
    {
        double x = Scaled(clock);
        if (x == 0)
            return double.PositiveInfinity;
        double log = OneSided ? 2 * Math.Log(1 + Math.Sqrt(1 + x) / (2 * Alpha)) : Math.Log(1 + x) - 2 * Math.Log(Alpha);
        return Math.Sqrt((1 + 1 / x) * log);
    }

    /// <summary>
    /// The always-valid p of z = value/SE, the tuning held: the smallest α whose boundary at this clock leaves 0 out, so that
    /// p ≤ α exactly where the interval does. Two-sided √(1 + x)·exp(−z²x/(2(1 + x))); one-sided for a positive effect,
    /// √(1 + x)/(2(exp(z²x/(2(1 + x))) − 1)). At most 1.
    /// </summary>
    public double PValue(double clock, double z)
    {
        double x = Scaled(clock), exponent = x == 0 ? 0 : z * z * x / (2 * (1 + x));
        if (!OneSided)
            return Math.Min(1, Math.Exp(Math.Log(1 + x) / 2 - exponent));
        return z <= 0 || exponent == 0 ? 1 : Math.Min(1, Math.Sqrt(1 + x) / 2 * Math.Exp(-exponent) / -NearZero.ExpMinusOne(-exponent));
    }

    private double Scaled(double clock) =>
        clock >= 0 && double.IsFinite(clock) ? Tuning * clock
        : throw new InputException($"A clock of {clock} is not possible; give the number of customers or conversions so far, 0 or more.");
}
