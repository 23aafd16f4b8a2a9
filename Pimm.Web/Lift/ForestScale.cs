namespace Pimm.Web.Lift;

/// <summary>One shared scale for all intervals of a unit: from values to the drawing's x, with round ticks.</summary>
public sealed class ForestScale
{
    public const double Width = 360;
    private const double Margin = 18;

    private readonly double low;
    private readonly double high;

    /// <param name="values">all ends, estimates and truths; infinities are left out and drawn as arrows</param>
    /// <param name="reference">the value of no difference; always on the scale</param>
    public ForestScale(IEnumerable<double?> values, double reference)
    {
        Reference = reference;
        var finite = values.OfType<double>().Where(double.IsFinite).Append(reference).ToList();
        var (least, most) = (finite.Min(), finite.Max());
        var room = most - least;
        room = room > 0 ? 0.06 * room : 1;
        (low, high) = (least - room, most + room);
    }

    public double Reference { get; }

    /// <summary>Round values inside the scale, at most seven.</summary>
    public IReadOnlyList<double> Ticks
    {
        get
        {
            var rough = (high - low) / 6;
            var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            var step = new[] { 1, 2, 2.5, 5, 10 }.Select(factor => factor * power).First(candidate => candidate >= rough);
            var first = (long)Math.Ceiling(low / step);
            return [.. Enumerable.Range(0, (int)((long)Math.Floor(high / step) - first) + 1).Select(i => (first + i) * step)];
        }
    }

    /// <summary>Digits that tell two ticks apart.</summary>
    public int TickDigits(double factor) => Ticks.Count < 2 ? 1 : Math.Clamp((int)Math.Ceiling(-Math.Log10(factor * (Ticks[1] - Ticks[0])) - 1e-9) + (factor * (Ticks[1] - Ticks[0]) is 0.25 or 2.5 ? 1 : 0), 0, 4);

    /// <summary>x of a value; what lies beyond the scale is drawn at its edge.</summary>
    public double X(double value) => Margin + ((Width - (2 * Margin)) * Math.Clamp((value - low) / (high - low), 0, 1));

    public double Left => Margin / 2;

    public double Right => Width - (Margin / 2);
}
