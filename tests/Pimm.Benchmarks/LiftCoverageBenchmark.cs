using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <summary>Prints how the estimators of the lift report do in markets whose truth is known, as Markdown or JSON.</summary>
internal static class LiftCoverageBenchmark
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string[] arguments)
    {
        var (share, seed, json) = (1.0, 1UL, false);
        for (int place = 0; place < arguments.Length; place++)
        {
            bool good = arguments[place] switch
            {
                "--json" => json = true,
                "--share" => ++place < arguments.Length && double.TryParse(arguments[place], NumberStyles.Float, CultureInfo.InvariantCulture, out share) && share is > 0 and <= 100,
                "--seed" => ++place < arguments.Length && ulong.TryParse(arguments[place], NumberStyles.None, CultureInfo.InvariantCulture, out seed),
                _ => false,
            };
            if (!good)
            {
                Console.Error.WriteLine("lift-coverage takes --share X (repetitions as a share of the full 20,000, above 0 to 100), --seed N (0 or more) and --json.");
                return 2;
            }
        }
        LiftCoverage measured = LiftCoverage.Measure(new CoverageSettings(seed).Times(share), Console.Error.WriteLine);
        Console.WriteLine(json ? ToJson(measured) : Markdown(measured));
        return Report(measured) ? 0 : 1;
    }

    public static string ToJson(LiftCoverage measured) => JsonSerializer.Serialize(measured, Json);

    public static LiftCoverage FromJson(string json) => JsonSerializer.Deserialize<LiftCoverage>(json, Json)!;

    /// <summary>Says each bound on stderr; false where one was missed.</summary>
    public static bool Report(LiftCoverage measured)
    {
        foreach (CoverageBound bound in measured.Bounds)
            Console.Error.WriteLine($"{(bound.Held ? "held  " : "MISSED")}  {bound.What}: {Number(bound.Value)}{(bound.Least is { } least ? $", at least {Number(least)}" : "")}{(bound.Most is { } most ? $", at most {Number(most)}" : "")}");
        return measured.Bounds.All(bound => bound.Held);
    }

    public static string Markdown(LiftCoverage measured)
    {
        var text = new StringBuilder();
        CoverageSettings settings = measured.Settings;
        Table(text, $"Plain splits of the market's customers, {settings.Rates:N0} repetitions: without an effect the shares of intervals that lie entirely below and above the truth; at {measured.Effect:+0 %} the shares that cover it and that find it. Nominal: 2.5 %, 2.5 %, 95 %.",
            "| conversions an arm | estimator | below | above | false positives | coverage | power | no interval |", measured.Intervals.Select(Interval));
        Table(text, $"Always-valid bounds, thirty daily looks, {settings.Looks:N0} repetitions; the last column is what looking at the fixed interval every day does.",
            "| conversions an arm | bounds | false positives | coverage at every look | power | fixed interval, peeking |", measured.Sequential.Select(row =>
                $"| {row.Conversions} | {row.Bounds} | {Share(row.FalsePositives)} | {Share(row.Covered)} | {Share(row.Power)} | {Share(row.Peeking)} |"));
        Table(text, $"Campaigns of one wave, a tenth of each arm, {settings.Campaigns:N0} repetitions: below and above in the null world, coverage and power in the known-lift world.",
            "| conversions an arm | estimator | below | above | false positives | coverage | power | no interval |", measured.Campaigns.Select(Interval));
        Table(text, $"200,000 customers, 10,000 impressions an arm, {settings.Campaigns:N0} repetitions; error: Monte-Carlo standard error of the mean.",
            "| world | number | truth | mean | error | deviation | mean standard error | coverage |", measured.Worlds.Append(measured.Identity).Select(row =>
                $"| {row.World} | {row.Number} | {(row.Number == CampaignCoverage.DeliveredLift ? "" : Number(row.Truth))} | {Number(row.Mean)} | {Number(row.Error)} | {Number(row.StandardDeviation)} | {(row.MeanStandardError is { } mean ? Number(mean) : "")} | {(row.Coverage is { } covered ? Share(covered) : "")} |"));
        Table(text, $"Variance of the same question asked of everybody and of the disagreement set, {settings.Variances:N0} repetitions.",
            "| world | overlap of the lists | headline | disagreement set | ratio |", measured.Variances.Select(row =>
                $"| {row.World} | {Share(row.Overlap)} | {Number(row.Headline)} | {Number(row.Disagreement)} | {Number(row.Ratio)} |"));
        Table(text, $"Mean absolute standardised difference of the chosen covariates, 50,000 customers, {settings.Splits:N0} splits.",
            "| covariates | plain hash | best of 100 | ratio |", measured.Balance.Select(row => $"| {row.Covariates} | {Number(row.Plain, 6)} | {Number(row.Best, 6)} | {Number(row.Ratio)} |"));
        Table(text, $"Whole campaigns of the null world with everything on (best of 100, five waves, 5 % exploration, 10 % held back, 200,000 customers), {settings.Whole:N0} of them: (estimate − truth) ÷ standard error.",
            "| number | mean | deviation | intervals that miss |", measured.Whole.Select(row => $"| {row.Number} | {Number(row.MeanZ)} | {Number(row.Deviation)} | {Share(row.Outside)} |"));
        return text.ToString();
    }

    private static string Interval(CoverageRow row) =>
        $"| {row.Conversions} | {row.Estimator} | {Share(row.Below)} | {Share(row.Above)} | {Share(row.FalsePositives)} | {Share(row.Coverage)} | {Share(row.Power)} | {(row.Undefined > 0 ? Share(row.Undefined) : "")} |";

    private static void Table(StringBuilder text, FormattableString caption, string head, IEnumerable<string> rows)
    {
        text.Append(caption.ToString(CultureInfo.InvariantCulture)).Append("\n\n").Append(head).Append('\n');
        text.Append('|').Insert(text.Length, "---|", head.Count(c => c == '|') - 1).Append('\n');
        foreach (string row in rows)
            text.Append(row).Append('\n');
        text.Append('\n');
    }

    private static string Share(double share) => (100 * share).ToString("0.0#", CultureInfo.InvariantCulture) + " %";

    private static string Number(double value, int digits = 4) =>
        value.ToString(Math.Abs(value) < 1 ? "F" + digits : "0.00", CultureInfo.InvariantCulture).Replace('-', '−');
}
