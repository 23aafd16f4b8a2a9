using System.Security.Cryptography;
using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>Trains one cell somewhere and returns when its result is written.</summary>
/// <param name="cell">what to train</param>
/// <param name="cancellationToken">ends it; nothing half-written is taken for a result</param>
public delegate Task CellRunner(TrainingCell cell, CancellationToken cancellationToken);

/// <summary>How far a comparison is.</summary>
/// <param name="Finished">the cell that has just ended</param>
/// <param name="Trained">false where its result was there already</param>
/// <param name="DoneHere">cells trained since this start</param>
/// <param name="Done">cells that have a result</param>
/// <param name="Cells">all there are, a sweep's included</param>
public sealed record ComparisonProgress(TrainingCell Finished, CellResult Result, bool Trained, int DoneHere, int Done, int Cells);

/// <summary>
/// Every model × split × seed, in the order it happens: pack each split once (one snapshot and one feature map for all models) →
/// sweep learning rates on validation rows → train → results. Every cell leaves its result in the folder, so a comparison that was
/// cut off goes on where it was.
/// </summary>
public sealed class RunComparison(ComparisonRequest request, CellRunner runner, Action<ComparisonProgress> report)
{
    private readonly string _cells = Path.Combine(request.Folder, "cells");
    private readonly Lock _telling = new();
    private int _done;
    private int _doneHere;
    private int _known;

    /// <exception cref="InputException">The request or the data cannot be used, or the folder holds another comparison.</exception>
    public async Task<ComparisonResult> RunAsync(Action<DatasetSummary> packed, CancellationToken cancellationToken)
    {
        request.Validated();
        RefuseUnusable();
        var source = ClaimFolder();
        Directory.CreateDirectory(_cells);
        var splits = PackSplits(packed, cancellationToken);
        var own = request.Models.Where(model => model.EqualIn(request.Models) is null).ToArray();
        var rates = await ChooseRatesAsync(own, splits, cancellationToken);
        var cells = own.SelectMany(model => FinalCells(model, rates[model.Name].Rate, splits)).ToArray();
        var results = await TrainAsync(cells, cancellationToken);
        return ComparisonResult.Of(request, source, splits, rates, [.. cells.Zip(results)]);
    }

    /// <summary>A wrong setting is said before an hour of training, not after it.</summary>
    private void RefuseUnusable()
    {
        foreach (var model in request.Models)
        {
            var settings = new Dictionary<string, string>(model.Settings, StringComparer.OrdinalIgnoreCase);
            _ = request.Training.Taking(settings);
            using var network = NetworkCatalog.Create(model.Network, new NetworkShape([2], request.Data.Tasks.Count), settings).Network;
        }
    }

    private TrainingCell Cell(ComparedModel model, int split, ulong seed, double rate, bool sweep, IReadOnlyList<string> splits) => new(
        model.Name, model.Network, new(model.Settings.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal), split, sweep,
        request.Training with { Seed = seed, LearningRate = rate }, splits[split - 1]);

    private IEnumerable<TrainingCell> FinalCells(ComparedModel model, double rate, IReadOnlyList<string> splits) =>
        from split in Enumerable.Range(1, request.Splits)
        from seed in Enumerable.Range(1, request.Seeds)
        select Cell(model, split, (ulong)seed, rate, sweep: false, splits);

    private async Task<Dictionary<string, SweptRate>> ChooseRatesAsync(
        ComparedModel[] models, IReadOnlyList<string> splits, CancellationToken cancellationToken)
    {
        var candidates =
            from model in models
            from rate in request.Rates
            from seed in Enumerable.Range(1, ComparisonRequest.SweepSeeds)
            select Cell(model, 1, (ulong)(request.Seeds + seed), rate, sweep: true, splits);
        var cells = candidates.ToArray();
        _known = cells.Length + (models.Length * request.Splits * request.Seeds);
        var results = await TrainAsync(cells, cancellationToken);
        return models.ToDictionary(model => model.Name, model => SweptRate.Of(
            request.Training.LearningRate,
            cells.Zip(results).Where(pair => pair.First.Model == model.Name).Select(pair => (pair.First.Options.LearningRate, pair.Second.ValidationLoss))));
    }

    private async Task<CellResult[]> TrainAsync(TrainingCell[] cells, CancellationToken cancellationToken)
    {
        var results = new CellResult[cells.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = request.Lanes, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, cells.Length, options, async (at, token) =>
        {
            var found = CellResult.Find(_cells, cells[at]);
            var trained = found is null;
            if (found is null)
            {
                await runner(cells[at], token);
                found = CellResult.Find(_cells, cells[at])
                    ?? throw new InvalidOperationException($"The training of {cells[at].Model} ended without a result in {_cells}.");
            }

            results[at] = found;
            Tell(cells[at], found, trained);
        });
        return results;
    }

    private void Tell(TrainingCell finished, CellResult result, bool trained)
    {
        lock (_telling)
        {
            _done++;
            _doneHere += trained ? 1 : 0;
            report(new ComparisonProgress(finished, result, trained, _doneHere, _done, _known));
        }
    }

    private List<string> PackSplits(Action<DatasetSummary> packed, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(Path.Combine(request.Folder, "splits")).FullName;
        var paths = new List<string>();
        for (var split = 0; split < request.Splits; split++)
        {
            paths.Add(Path.Combine(folder, FormattableString.Invariant($"{split + 1:00}.safetensors")));
            if (!File.Exists(paths[split]))
            {
                var options = request.Data with
                {
                    Seed = request.Data.Seed + (ulong)split, SnapshotPath = paths[split],
                    WriteSplits = request.Data.WriteSplits is { } written ? Path.Combine(written, FormattableString.Invariant($"{split + 1:00}")) : null,
                };
                var dataset = DatasetBuilder.FromFile(options, progress: null, cancellationToken);
                dataset.Snapshot.Dispose();
                packed(dataset.Summary);
            }
        }

        return paths;
    }

    /// <summary>The rows and their preparation belong to the folder; models, splits and seeds may be added later.</summary>
    private DataSource ClaimFolder()
    {
        using var file = File.Exists(request.Data.Data)
            ? File.OpenRead(request.Data.Data)
            : throw new InputException($"There is no file {request.Data.Data}; give --data an existing CSV file.");
        var source = new DataSource(
            Path.GetFileName(request.Data.Data), Convert.ToHexStringLower(SHA256.HashData(file)), request.Data with { Data = "", SnapshotPath = null, WriteSplits = null });
        Directory.CreateDirectory(request.Folder);
        var path = Path.Combine(request.Folder, "data.json");
        var text = JsonSerializer.Serialize(source, ComparisonResult.Layout) + "\n";
        if (File.Exists(path) && File.ReadAllText(path) != text)
        {
            throw new InputException($"{request.Folder} holds a comparison on other rows or with other columns; give another --out, or delete the folder to start anew.");
        }

        File.WriteAllText(path, text);
        return source;
    }
}

/// <summary>Which rows a comparison is about.</summary>
/// <param name="Sha256">of the file's bytes</param>
public sealed record DataSource(string File, string Sha256, DatasetOptions Options);

/// <summary>The learning rate of a model.</summary>
/// <param name="Losses">mean validation loss of each rate swept; empty without a sweep</param>
public sealed record SweptRate(double Rate, IReadOnlyDictionary<double, double> Losses)
{
    internal static SweptRate Of(double usual, IEnumerable<(double Rate, double Loss)> swept)
    {
        var losses = swept.GroupBy(pair => pair.Rate, pair => pair.Loss).ToDictionary(rate => rate.Key, rate => rate.Average());
        return new SweptRate(losses.Count == 0 ? usual : losses.MinBy(pair => pair.Value).Key, losses);
    }
}
