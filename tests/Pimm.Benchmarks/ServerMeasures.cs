using System.Globalization;

namespace Pimm.Benchmarks;

/// <param name="P50">milliseconds</param>
internal sealed record HandlingTime(string Of, int Times, double P50, double P95, double Most, bool Held)
{
    private const double MostMilliseconds = 500;

    public static string Bound => string.Create(CultureInfo.InvariantCulture, $"bound {MostMilliseconds:0} ms at p95");

    public static HandlingTime From(string of, IEnumerable<double> milliseconds)
    {
        double[] sorted = [.. milliseconds.Order()];
        double At(double share) => sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
        return new HandlingTime(of, sorted.Length, At(0.5), At(0.95), sorted[^1], At(0.95) <= MostMilliseconds);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Held ? "ok  " : "SLOW")} {Of,-46} {Times,5} times: p50 {P50:0} ms, p95 {P95:0} ms, most {Most:0} ms");
}

/// <summary>Reads what <see cref="StartupHook"/> wrote in the web process.</summary>
internal static class ServerMeasures
{
    private const string Parameters = "aspnetcore.components.update_parameters.duration";
    private const string Events = "aspnetcore.components.handle_event.duration";
    private const string Diffs = "aspnetcore.components.render_diff.duration";
    private const int FewestTimes = 5;
    private const double WorthAWord = 25;

    /// <summary>
    /// A component is handled from the moment it is given its address or its parent's values until it has read its rows: a page, and
    /// each part of it that reads for itself. Then comes the difference that is sent.
    /// </summary>
    public static IReadOnlyList<HandlingTime> Read(string path, DateTimeOffset since, DateTimeOffset until)
    {
        var found = Found(path, since, until);
        var parts = found.Where(one => one.Name == Parameters && one.Of.StartsWith("Pimm.Web.", StringComparison.Ordinal)).GroupBy(one => one.Of).Where(part => part.Count() >= FewestTimes)
            .Select(part => HandlingTime.From(part.Key["Pimm.Web.".Length..], part.Select(one => one.Milliseconds)))
            .Where(part => part.Of.EndsWith("Page", StringComparison.Ordinal) || part.P95 >= WorthAWord).OrderByDescending(part => part.P95);
        return [.. parts, .. new[] { (Events, "any event of a page"), (Diffs, "any difference sent") }.Where(one => found.Any(measure => measure.Name == one.Item1))
            .Select(one => HandlingTime.From(one.Item2, found.Where(measure => measure.Name == one.Item1).Select(measure => measure.Milliseconds)))];
    }

    /// <summary>Milliseconds of every step to a page, whichever it was.</summary>
    public static IReadOnlyList<double> PagesAlone(string path, DateTimeOffset since, DateTimeOffset until) =>
        [.. Found(path, since, until).Where(one => one.Name == Parameters && one.Of.StartsWith("Pimm.Web.", StringComparison.Ordinal) && one.Of.EndsWith("Page", StringComparison.Ordinal)).Select(one => one.Milliseconds)];

    private static List<(string Name, string Of, double Milliseconds)> Found(string path, DateTimeOffset since, DateTimeOffset until)
    {
        var found = new List<(string, string, double)>();
        // The process still writes.
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('\t') is [var at, var name, var of, var seconds] && double.TryParse(seconds, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && long.Parse(at, CultureInfo.InvariantCulture) is var time && time >= since.ToUnixTimeMilliseconds() && time <= until.ToUnixTimeMilliseconds())
            {
                found.Add((name, of, value * 1000));
            }
        }
        return found;
    }
}
