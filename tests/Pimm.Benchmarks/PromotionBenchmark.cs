using System.Globalization;
using System.Text.Json;
using Pimm.Core.Promoting;
using Pimm.Core.Simulating;
using Pimm.Core.Tests.Promoting;

namespace Pimm.Benchmarks;

/// <summary>Two lines over the nights: chance that the challenger is called better, against what its data allow.</summary>
/// <param name="Plan50">night by which half of all runs are expected to have found it; null: not within the nights</param>
internal sealed record LineRow(
    string World, string RowsOf, int Impressions, int RowsANight, double? Difference, double Ready, int? Night50, int? Night90, int? Plan50, int? Plan90, double? ReadyBy50, double? ReadyBy90);

/// <summary>Nightly refreshes: chance that any was promoted, and that any passed the condition on the log loss.</summary>
internal sealed record RefreshRow(string World, int Impressions, int RowsANight, double Promoted, double LossPassed, int? FirstNight50);

internal sealed record PromotionMeasured(
    string Bench, int Nights, int Window, int Repetitions, double MarginOfLoss, double MarginOfGain, double TopAucIncumbent, double TopAucChallenger,
    IReadOnlyList<LineRow> Lines, IReadOnlyList<RefreshRow> Refreshes, IReadOnlyList<CoverageBound> Bounds);

/// <summary>Sixty nights of promotion, many times over, with models whose quality is known.</summary>
internal static class PromotionBenchmark
{
    private const double Weak = MarketWorld.WeakModelNoise;
    private const double Better = 0.65;
    private const double Good = MarketWorld.GoodModelNoise;
    private const double TopShare = 0.1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string[] arguments)
    {
        var (nights, repetitions, json) = (60, 400, false);
        for (int place = 0; place < arguments.Length; place++)
        {
            bool good = arguments[place] switch
            {
                "--json" => json = true,
                "--nights" => ++place < arguments.Length && int.TryParse(arguments[place], out nights) && nights is >= 20 and <= 1_000,
                "--repetitions" => ++place < arguments.Length && int.TryParse(arguments[place], out repetitions) && repetitions is >= 20 and <= 100_000,
                _ => false,
            };
            if (!good)
            {
                Console.Error.WriteLine("promotion takes --nights N (20 to 1,000), --repetitions N (20 to 100,000) and --json.");
                return 2;
            }
        }
        PromotionMeasured measured = Measure(nights, repetitions, Console.Error.WriteLine);
        Console.WriteLine(json ? ToJson(measured) : Markdown(measured));
        return Report(measured) ? 0 : 1;
    }

    public static string ToJson(PromotionMeasured measured) => JsonSerializer.Serialize(measured, Json);

    public static PromotionMeasured FromJson(string text) => JsonSerializer.Deserialize<PromotionMeasured>(text, Json)!;

    /// <summary>Says of each bound whether it held; true: all did.</summary>
    public static bool Report(PromotionMeasured measured)
    {
        foreach (CoverageBound bound in measured.Bounds)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(bound.Held ? "held  " : "MISSED")}  {bound.What}: {bound.Value:0.####}{(bound.Least is { } least ? $", at least {least:0.####}" : "")}{(bound.Most is { } most ? $", at most {most:0.####}" : "")}"));
        return measured.Bounds.All(bound => bound.Held);
    }

    public static PromotionMeasured Measure(int nights, int repetitions, Action<string> tell)
    {
        tell("customers");
        var truth = new NoisyTruth(100_000, 1);
        var options = new PromotingOptions();
        var play = new PromotionNights(truth, options, 1);
        NightSettings With(int impressions) => new(nights, Impressions: impressions);
        var lines = new List<LineRow>();
        foreach (int impressions in (int[])[5_000, 10_000, 20_000])
        {
            tell($"two lines, {impressions:N0} impressions a day and arm");
            lines.Add(Lines("equally good", play, With(impressions), Weak, repetitions));
            lines.Add(Lines("challenger somewhat better", play, With(impressions), Better, repetitions));
            lines.Add(Lines("challenger far better", play, With(impressions), Good, repetitions));
        }
        tell("two equally good lines on the incumbent's own top rows");
        LineNights naive = play.NaiveOnTop(With(20_000), Weak, TopShare, repetitions);
        lines.Add(new("equally good, by AUC", "incumbent's top 10 %", 20_000, With(20_000).Rows, null, naive.Share, naive.NightOf(0.5), naive.NightOf(0.9), null, null, null, null));
        LineNights hidden = play.Lines(With(20_000), Weak, Better, Math.Max(20, repetitions / 4), TopShare);
        lines.Add(new("somewhat better, by log loss", "incumbent's top 10 %", 20_000, With(20_000).Rows, null, hidden.Share, hidden.NightOf(0.5), hidden.NightOf(0.9), null, null, null, null));
        (double champion, double challenger) = play.AucOnTop(Weak, TopShare, 50_000);
        double loss = truth.Model(Weak).ExpectedLoss, worse = truth.NoiseOfLoss(Weak, 1 + options.Margin);
        var refreshes = new List<RefreshRow>();
        foreach ((string world, double noise) in (ReadOnlySpan<(string, double)>)[("as good", Weak), ("worse by the margin", worse), ("better", Better)])
        {
            tell($"refreshes, {world}");
            refreshes.Add(Refreshes(world, play, With(20_000), noise, Math.Max(20, repetitions / 4)));
        }
        double gain = Enumerable.Range(0, NoisyTruth.Stages).Sum(stage => Entropy(truth.Rate(stage))) - truth.Model(1e-6).ExpectedLoss;
        return new("promotion", nights, With(1).Window, repetitions, options.Margin * loss, options.Margin * loss / gain, champion, challenger, lines, refreshes,
            [.. Bounds(lines, refreshes, repetitions, champion, challenger)]);
    }

    private static double Entropy(double rate) => -rate * Math.Log(rate) - (1 - rate) * Math.Log(1 - rate);

    private static LineRow Lines(string world, PromotionNights play, NightSettings settings, double noise, int repetitions)
    {
        LineNights ran = play.Lines(settings, Weak, noise, repetitions);
        (double mean, double deviation) = play.Difference(Weak, noise, 400_000);
        if (noise == Weak)
            return new(world, "explored", settings.Impressions, settings.Rows, 0, ran.Share, ran.NightOf(0.5), ran.NightOf(0.9), null, null, null, null);
        var (half, most) = (play.PlannedNight(settings, (mean, deviation), 0.5), play.PlannedNight(settings, (mean, deviation), 0.9));
        return new(world, "explored", settings.Impressions, settings.Rows, mean, ran.Share, ran.NightOf(0.5), ran.NightOf(0.9), half, most,
            half is { } h ? ran.ShareBy(h) : null, most is { } m ? ran.ShareBy(m) : null);
    }

    private static RefreshRow Refreshes(string world, PromotionNights play, NightSettings settings, double noise, int repetitions)
    {
        RefreshNights ran = play.Refreshes(settings, Weak, noise, repetitions);
        int rank = (int)Math.Ceiling(0.5 * repetitions);
        return new(world, settings.Impressions, settings.Rows, ran.Share, ran.LossShare, ran.FirstNights.Count < rank ? null : ran.FirstNights.Order().ElementAt(rank - 1));
    }

    private static IEnumerable<CoverageBound> Bounds(List<LineRow> lines, List<RefreshRow> refreshes, int repetitions, double champion, double challenger)
    {
        double Noise(double share, double n) => 3 * Math.Sqrt(share * (1 - share) / n);
        foreach (LineRow row in lines.Where(row => row is { World: "equally good", RowsOf: "explored" }))
            yield return new($"two equally good lines, {row.Impressions:N0} a day: called better by chance", row.Ready, null, 0.05);
        foreach (LineRow row in lines.Where(row => row.Plan50 is not null))
            yield return new($"{row.World}, {row.Impressions:N0} a day: found by the night of the plan's half", row.ReadyBy50!.Value, 0.45 - Noise(0.5, repetitions), null);
        foreach (LineRow row in lines.Where(row => row.Plan90 is not null))
            yield return new($"{row.World}, {row.Impressions:N0} a day: found by the night of the plan's nine tenths", row.ReadyBy90!.Value, 0.85 - Noise(0.9, repetitions), null);
        yield return new("equally good lines on the incumbent's own top rows: called better by chance", lines[^2].Ready, 0.5, null);
        yield return new("the same: AUC of the challenger less the incumbent's", challenger - champion, 0.02, null);
        yield return new("refreshes worse by the margin: any passed the log loss", refreshes[1].LossPassed, null, 0.05);
        yield return new("refreshes as good: any promoted", refreshes[0].Promoted, 0.5, null);
    }

    public static string Markdown(PromotionMeasured measured)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"{measured.Nights} nights, windows of {measured.Window} days, {measured.Repetitions:N0} runs; a run is a whole stretch of nights. Explored rows: 5 % of two arms' impressions.\n");
        text.WriteLine("| challenger | rows of | impressions a day and arm | rows a night | log loss, difference | called better | half by night | nine tenths by night | plan: half | plan: nine tenths |\n|---|---|---|---|---|---|---|---|---|---|");
        foreach (LineRow row in measured.Lines)
            text.WriteLine(FormattableString.Invariant($"| {row.World} | {row.RowsOf} | {row.Impressions:N0} | {row.RowsANight:N0} | {row.Difference:0.00000} | {100 * row.Ready:0.0} % | {row.Night50} | {row.Night90} | {row.Plan50} | {row.Plan90} |"));
        text.WriteLine(FormattableString.Invariant($"\nOn the incumbent's own top 10 %: AUC of the last stage {measured.TopAucIncumbent:0.000} for the incumbent, {measured.TopAucChallenger:0.000} for a challenger exactly as good.\n"));
        text.WriteLine("| refreshes | impressions a day and arm | rows a night | any promoted | any passed the log loss | half promoted by night |\n|---|---|---|---|---|---|");
        foreach (RefreshRow row in measured.Refreshes)
            text.WriteLine(FormattableString.Invariant($"| {row.World} | {row.Impressions:N0} | {row.RowsANight:N0} | {100 * row.Promoted:0.0} % | {100 * row.LossPassed:0.0} % | {row.FirstNight50} |"));
        text.WriteLine(FormattableString.Invariant($"\nMargin: {measured.MarginOfLoss:0.00000} nats a row, {100 * measured.MarginOfGain:0.0} % of what the truth gains over the base rates."));
        return text.ToString();
    }
}
