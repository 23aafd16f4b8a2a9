using MathNet.Numerics.Integration;

namespace Pimm.Core.Statistics;

/// <summary>
/// When a sequential test, looked at once a day, is expected to end. The sum of the daily evidence is a random walk with normal
/// steps; its density among the runs that have not crossed the boundary is carried from day to day by numerical integration
/// (Armitage, McPherson and Rowe 1969), to about 1e-8.
/// </summary>
/// <param name="StoppedBy">for each day the chance to have crossed by its evening, on a side that counts; never decreases</param>
/// <param name="ExpectedDays">the mean day of stopping, a run that never crosses counted as the last day</param>
public sealed record StoppingPlan(IReadOnlyList<double> StoppedBy, double ExpectedDays)
{
    public const int MostDays = 1000;

    private const int NodesPerPanel = 8;

    private const double Tail = 9;

    private static readonly GaussLegendreRule Panel = new(0, 1, NodesPerPanel);

    /// <summary>The chance to have crossed by the last day: the power where there is an effect, at most α without one.</summary>
    public double Power => StoppedBy[^1];

    /// <summary>The first day by whose evening the chance to have crossed is at least this; null within these days.</summary>
    public int? DayOf(double chance)
    {
        for (int day = 0; day < StoppedBy.Count; day++)
            if (StoppedBy[day] >= chance)
                return day + 1;
        return null;
    }

    /// <param name="dailyEffect">effect ÷ the standard error that one day alone gives, any sign; every day brings as much</param>
    /// <param name="clockPerDay">by how much the boundary's clock goes on in a day: customers of both groups, or conversions</param>
    /// <param name="days">1 to <see cref="MostDays"/></param>
    public static StoppingPlan Of(double dailyEffect, double clockPerDay, NormalMixture boundary, int days)
    {
        if (!double.IsFinite(dailyEffect))
            throw new InputException($"A daily effect of {dailyEffect} standard errors is not possible; give a finite number.");
        if (!(clockPerDay > 0) || double.IsInfinity(clockPerDay))
            throw new InputException($"{clockPerDay} customers or conversions a day are not possible; give a positive number.");
        if (days is < 1 or > MostDays)
            throw new InputException($"{days} days cannot be planned; give 1 to {MostDays}.");
        var stopped = new double[days];
        double expected = 1;
        Grid before = Grid.Start;
        for (int day = 1; day <= days; day++)
        {
            double bound = boundary.Multiplier(clockPerDay * day) * Math.Sqrt(day);
            double low = Math.Max(boundary.OneSided ? double.NegativeInfinity : -bound, dailyEffect * day - Tail * Math.Sqrt(day));
            double high = Math.Min(bound, dailyEffect * day + Tail * Math.Sqrt(day));
            before = before.Next(low, high, dailyEffect);
            stopped[day - 1] = Math.Clamp(1 - before.Mass, day == 1 ? 0 : stopped[day - 2], 1);
            if (day < days)
                expected += 1 - stopped[day - 1];
        }
        return new(stopped, expected);
    }

    /// <summary>
    /// Conversions among a fixed population, two equally large arms: the daily effect of a lift on the log risk ratio,
    /// ln(1 + δ)/√(1/c + 1/(c(1 + δ))), and the conversions of both arms a day, for rates far below 1.
    /// </summary>
    /// <param name="controlConversionsPerDay">c &gt; 0</param>
    /// <param name="lift">above −1</param>
    public static (double DailyEffect, double ClockPerDay) OfConversions(double controlConversionsPerDay, double lift)
    {
        if (!(controlConversionsPerDay > 0) || double.IsInfinity(controlConversionsPerDay))
            throw new InputException($"{controlConversionsPerDay} conversions a day are not possible; give a positive number.");
        if (!(lift > -1) || double.IsInfinity(lift))
            throw new InputException($"A lift of {lift} leaves no conversions; give one above -1.");
        double treated = controlConversionsPerDay * (1 + lift);
        return (Math.Log(1 + lift) / Math.Sqrt(1 / controlConversionsPerDay + 1 / treated), controlConversionsPerDay + treated);
    }

    /// <summary>Points of the region where a run goes on, and the mass that each stands for.</summary>
    private sealed record Grid(double[] Points, double[] Masses)
    {
        public static readonly Grid Start = new([0], [1]);

        public double Mass => Masses.Sum();

        public Grid Next(double low, double high, double drift)
        {
            if (!(high > low))
                return new([], []);
            int panels = Math.Max(1, (int)Math.Ceiling((high - low) / 2));
            double width = (high - low) / panels;
            double[] points = new double[panels * NodesPerPanel], masses = new double[points.Length];
            for (int i = 0; i < points.Length; i++)
            {
                points[i] = low + width * (i / NodesPerPanel + Panel.GetAbscissa(i % NodesPerPanel));
                masses[i] = width * Panel.GetWeight(i % NodesPerPanel) * Density(points[i] - drift);
            }
            return new(points, masses);
        }

        private double Density(double target)
        {
            double sum = 0;
            for (int i = 0; i < Points.Length; i++)
                if (Math.Abs(target - Points[i]) is var step && step < Tail)
                    sum += Masses[i] * Math.Exp(-step * step / 2);
            return sum / Math.Sqrt(2 * Math.PI);
        }
    }
}
