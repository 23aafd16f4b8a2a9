using System.Globalization;

namespace Pimm.Core.Training;

/// <summary>One axis of an <see cref="SvgChart"/>.</summary>
/// <param name="Label">What it measures, its unit included.</param>
/// <param name="From">The least value shown; null: a round number at or below the data's.</param>
/// <param name="To">The largest value shown; null: a round number at or above the data's.</param>
/// <param name="Categories">Names instead of numbers: a point's x is its category's place from 0. Only on the horizontal axis.</param>
/// <param name="Logarithmic">Equal lengths are equal ratios; every value is above 0.</param>
public sealed record ChartAxis(string Label, double? From = null, double? To = null, IReadOnlyList<string>? Categories = null, bool Logarithmic = false);

/// <summary>A mark on an axis.</summary>
public readonly record struct ChartTick(double Value, string Text);

/// <summary>Values → a place between 0 and 1 along an axis, and where its round numbers are.</summary>
public sealed class ChartScale
{
    private const int TicksWanted = 5;

    private readonly double from;
    private readonly double to;
    private readonly bool logarithmic;

    private ChartScale(double from, double to, bool logarithmic, IReadOnlyList<ChartTick> ticks)
    {
        (this.from, this.to, this.logarithmic) = (from, to, logarithmic);
        Ticks = [.. ticks.Where(tick => Of(tick.Value) is >= -1e-9 and <= 1 + 1e-9)];
    }

    public IReadOnlyList<ChartTick> Ticks { get; }

    /// <param name="values">Finite numbers the axis must show; none is as 0 and 1.</param>
    public static ChartScale For(ChartAxis axis, IEnumerable<double> values)
    {
        if (axis.Categories is { } names)
        {
            return new(-0.5, names.Count - 0.5, false, [.. names.Select((name, place) => new ChartTick(place, name))]);
        }

        double[] shown = [.. values];
        var (least, most) = shown.Length == 0 ? (axis.Logarithmic ? 1 : 0, axis.Logarithmic ? 10 : 1) : (shown.Min(), shown.Max());
        (least, most) = (axis.From ?? least, axis.To ?? most);
        if (axis.Logarithmic)
        {
            return least > 0 ? Logarithm(axis, least, most) : throw new InputException($"The logarithmic axis '{axis.Label}' cannot show {least.ToString(CultureInfo.InvariantCulture)}; its values must be above 0.");
        }

        if (most <= least)
        {
            var room = least == 0 ? 0.5 : Math.Abs(least) * 0.1;
            (least, most) = (axis.From ?? least - room, axis.To ?? (axis.From ?? least) + room);
        }

        return Linear(axis, least, most);
    }

    /// <summary>0 at the axis' beginning, 1 at its end.</summary>
    public double Of(double value) => logarithmic ? Math.Log(value / from) / Math.Log(to / from) : (value - from) / (to - from);

    private static ChartScale Linear(ChartAxis axis, double least, double most)
    {
        var step = Step((most - least) / TicksWanted);
        var (first, last) = (Math.Floor(least / step + 1e-9), Math.Ceiling(most / step - 1e-9));
        var decimals = Math.Clamp(-(int)Math.Floor(Math.Log10(step) + 1e-9), 0, 15);
        var ticks = Enumerable.Range(0, (int)(last - first) + 1).Select(place => Math.Round((first + place) * step, decimals));
        return new(axis.From ?? first * step, axis.To ?? last * step, false,
            [.. ticks.Select(value => new ChartTick(value, value.ToString("N" + decimals, CultureInfo.InvariantCulture)))]);
    }

    private static ChartScale Logarithm(ChartAxis axis, double least, double most)
    {
        var (first, last) = ((int)Math.Floor(Math.Log10(least)), (int)Math.Ceiling(Math.Log10(most)));
        double[] round = [.. from power in Enumerable.Range(first, Math.Max(last - first, 1) + 1)
                             from digit in new[] { 1, 2, 5 }
                             select digit * Math.Pow(10, power)];
        var (from, to) = (axis.From ?? round.Last(value => value <= least * 1.000001), axis.To ?? round.First(value => value >= most * 0.999999));
        to = to > from ? to : 10 * from;
        // Over many powers of ten their 2s and 5s would crowd.
        return new(from, to, true,
            [.. round.Where((_, place) => last - first <= 3 || place % 3 == 0)
                .Select(value => new ChartTick(value, value >= 1 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("0.#########", CultureInfo.InvariantCulture)))]);
    }

    /// <summary>The least of 1, 2, 5 · 10^k that is not below.</summary>
    private static double Step(double atLeast)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(atLeast)));
        return (atLeast / power) switch
        {
            <= 1.0000001 => power,
            <= 2.0000001 => 2 * power,
            <= 5.0000001 => 5 * power,
            _ => 10 * power,
        };
    }
}
