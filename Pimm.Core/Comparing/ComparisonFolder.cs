using System.Security.Cryptography;
using System.Text.Json;
using Pimm.Core.Datasets;

namespace Pimm.Core.Comparing;

/// <summary>Which rows a comparison is about.</summary>
/// <param name="Sha256">of the file's bytes</param>
public sealed record DataSource(string File, string Sha256, DatasetOptions Options);

/// <summary>One split, packed.</summary>
/// <param name="Path">of its snapshot</param>
/// <param name="Sha256">of the snapshot's bytes; a result says on which one it was trained</param>
public sealed record PackedSplit(string Path, string Sha256);

/// <summary>
/// The folder that keeps a comparison: <c>data.json</c> says which rows, <c>splits</c> holds a snapshot each, <c>cells</c> a result a
/// training. One comparison works in it at a time.
/// </summary>
public sealed class ComparisonFolder : IDisposable
{
    private readonly FileStream _lock;
    private readonly string _folder;

    private ComparisonFolder(string folder, FileStream held, DataSource source)
    {
        (_folder, _lock, Source) = (folder, held, source);
        Cells = Directory.CreateDirectory(Path.Combine(folder, "cells")).FullName;
    }

    public DataSource Source { get; }

    /// <summary>Where results are written.</summary>
    public string Cells { get; }

    /// <exception cref="InputException">no such data, a folder of other rows or columns, or another comparison at work in it</exception>
    public static ComparisonFolder Claim(string folder, DatasetOptions data)
    {
        var source = SourceOf(data);
        Directory.CreateDirectory(folder);
        var held = Hold(folder);
        try
        {
            var path = Path.Combine(folder, "data.json");
            var text = JsonSerializer.Serialize(source, ComparisonResult.Layout) + "\n";
            if (!File.Exists(path))
            {
                File.WriteAllText(path + ".part", text);
                File.Move(path + ".part", path);
            }
            else if (Layout(File.ReadAllText(path)) != text)
            {
                throw new InputException($"{folder} holds a comparison on other rows or with other columns; give another --out, or delete the folder to start anew.");
            }

            return new ComparisonFolder(folder, held, source);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Packs the splits that are not there yet.</summary>
    /// <param name="packed">takes a split's number and what was noticed of its rows</param>
    public IReadOnlyList<PackedSplit> Pack(ComparisonRequest request, Action<int, DatasetSummary> packed, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "splits")).FullName;
        var splits = new List<PackedSplit>();
        for (var split = 1; split <= request.Splits; split++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = FormattableString.Invariant($"{split:00}");
            var path = Path.Combine(folder, name + ".safetensors");
            var written = request.Data.WriteSplits is { } files ? Path.Combine(files, name) : null;
            if (!File.Exists(path) || (written is not null && !File.Exists(Path.Combine(written, SplitFiles.LastWritten))))
            {
                var options = request.Data with { Seed = request.Data.Seed + (ulong)(split - 1), SnapshotPath = path, WriteSplits = written };
                var dataset = DatasetBuilder.FromFile(options, progress: null, cancellationToken);
                dataset.Snapshot.Dispose();
                packed(split, dataset.Summary);
            }

            using var snapshot = Snapshot.Open(path);
            splits.Add(new PackedSplit(path, snapshot.Sha256));
        }

        return splits;
    }

    /// <param name="settings">every setting in force of the cell's network: a changed default is another model</param>
    /// <returns>null where the cell was not trained yet, or with other settings or rows</returns>
    public CellResult? Find(TrainingCell cell, IReadOnlyDictionary<string, string> settings, PackedSplit split)
    {
        var found = CellResult.Find(Cells, cell);
        var fits = found is not null && found.Model.Data?.SnapshotSha256 == split.Sha256 && found.Model.Settings.Count == settings.Count
            && settings.All(setting => found.Model.Settings.GetValueOrDefault(setting.Key) == setting.Value);
        return fits ? found : null;
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>As this version would have written it: an option that came later has its default.</summary>
    private static string Layout(string text) =>
        JsonSerializer.Serialize(JsonSerializer.Deserialize<DataSource>(text, ComparisonResult.Layout), ComparisonResult.Layout) + "\n";

    private static DataSource SourceOf(DatasetOptions data)
    {
        using var file = File.Exists(data.Data)
            ? File.OpenRead(data.Data)
            : throw new InputException($"There is no file {data.Data}; give --data an existing CSV file.");
        return new DataSource(
            Path.GetFileName(data.Data), Convert.ToHexStringLower(SHA256.HashData(file)), data with { Data = "", SnapshotPath = null, WriteSplits = null });
    }

    private static FileStream Hold(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken)
        {
            throw new InputException($"Another comparison is at work in {folder}; wait for it, or give another --out.", taken);
        }
    }
}
