using Pimm.Core.Importing;

namespace Pimm.Core.Simulating;

/// <param name="Name">a stage of <see cref="MarketFiles.Funnel"/></param>
/// <param name="Positives">labels drawn as 1, over all rows</param>
/// <param name="Rate">their share, 0 … 1</param>
/// <param name="TrueRate">mean of the true probabilities, 0 … 1</param>
public sealed record SampledTask(string Name, long Positives, double Rate, double TrueRate);

/// <summary>
/// A sample of the market as a file to train on: part (train, test), the labels, amount (of a core conversion, in CNY), the
/// attributes, and each label's true probability (truth_click, truth_conversion, truth_core).
/// </summary>
public static class MarketSampleFile
{
    /// <summary>True probabilities of the funnel's stages, in its order.</summary>
    public static readonly string[] TruthColumns = ["truth_click", "truth_conversion", "truth_core"];

    /// <param name="options">which rows</param>
    /// <param name="path">packed where it ends in .gz; the file is complete or absent</param>
    /// <param name="written">rows written so far, after each of some thousand</param>
    /// <param name="cancellation">ends it; nothing is left behind</param>
    /// <exception cref="InputException">options out of their bounds</exception>
    public static IReadOnlyList<SampledTask> Write(MarketSampleOptions options, string path, Action<long>? written = null, CancellationToken cancellation = default)
    {
        options.Validate();
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var file = new DelimitedWriter(path);
        MarketFiles.WriteHeader(file, ["part", .. MarketFiles.Funnel, "amount", .. MarketFiles.Columns.Select(column => column.Name), .. TruthColumns]);
        var positives = new long[MarketFiles.Funnel.Length];
        var truth = new double[MarketFiles.Funnel.Length];
        long rows = 0;
        foreach (var block in MarketSample.Draw(options))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (ref readonly var impression in block.Span)
            {
                Write(file, impression);
                for (var stage = 0; stage < positives.Length; stage++)
                {
                    positives[stage] += impression.Label(stage) ? 1 : 0;
                    truth[stage] += impression.TrueProbability(stage);
                }
            }
            rows += block.Length;
            written?.Invoke(rows);
        }
        file.Complete();
        return [.. MarketFiles.Funnel.Select((name, stage) => new SampledTask(name, positives[stage], (double)positives[stage] / rows, truth[stage] / rows))];
    }

    private static void Write(DelimitedWriter file, in SampledImpression impression)
    {
        file.Write(impression.Fresh ? "test"u8 : "train"u8);
        for (var stage = 0; stage < MarketFiles.Funnel.Length; stage++)
        {
            file.Write(impression.Label(stage));
        }
        file.Write(impression.Outcomes.AttributedCore ? Math.Round(impression.Outcomes.Amount, 2) : null);
        MarketFiles.WriteAttributes(file, impression.Customer);
        for (var stage = 0; stage < MarketFiles.Funnel.Length; stage++)
        {
            file.Write(impression.TrueProbability(stage));
        }
        file.EndRow();
    }
}
