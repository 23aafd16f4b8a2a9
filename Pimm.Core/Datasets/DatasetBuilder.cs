using System.Globalization;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Datasets;

/// <summary>
/// Makes a <see cref="Dataset"/> of rows in three passes: labels decide which rows there are and how they split,
/// training rows fit the feature map, and all rows are encoded and packed. Files appear complete or not at all.
/// </summary>
public sealed class DatasetBuilder
{
    private readonly DatasetOptions _options;
    private readonly Func<DelimitedReader> _open;
    private readonly IProgress<DatasetProgress>? _progress;
    private readonly CancellationToken _cancellation;

    private DatasetBuilder(DatasetOptions options, Func<DelimitedReader> open, IProgress<DatasetProgress>? progress, CancellationToken cancellation)
    {
        _options = options;
        _open = open;
        _progress = progress;
        _cancellation = cancellation;
    }

    /// <exception cref="InputException">options or a file that cannot be used</exception>
    public static Dataset FromFile(DatasetOptions options, IProgress<DatasetProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        return new DatasetBuilder(options, () => DelimitedReader.Open(options.Data, options.Delimiter), progress, cancellation).Build();
    }

    /// <summary>The same from rows of a database: they are spooled to a temporary file, so the source is read once.</summary>
    /// <param name="source">what the sentences call it; a row's line is its number plus one</param>
    /// <param name="columns">names, as the options use them</param>
    /// <param name="writeRows">writes every row: one Write a column, then EndRow</param>
    /// <param name="options">Data and Delimiter are not used</param>
    /// <param name="progress">as for a file</param>
    /// <param name="cancellation">ends it; nothing is left behind</param>
    /// <exception cref="InputException">options or rows that cannot be used</exception>
    public static async Task<Dataset> FromRowsAsync(
        string source, IReadOnlyList<string> columns, Func<DelimitedWriter, CancellationToken, Task> writeRows,
        DatasetOptions options, IProgress<DatasetProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        var folder = Directory.CreateTempSubdirectory("pimm-rows-");
        try
        {
            var path = Path.Combine(folder.FullName, "rows.csv");
            using (var writer = new DelimitedWriter(path))
            {
                foreach (var column in columns)
                {
                    writer.Write(column);
                }

                writer.EndRow();
                await writeRows(writer, cancellation);
                writer.Complete();
            }

            return new DatasetBuilder(options, () => DelimitedReader.Open(File.OpenRead(path), source, ','), progress, cancellation).Build();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private Dataset Build()
    {
        var (columns, rows, source, fileRows) = ReadLabels();
        var splits = RowSplit.Of(rows, _options, source);
        var notes = new List<string>(LabelClasses.Check(rows, splits, columns.TaskNames, source));
        var (map, featureNotes) = FitMap(columns, rows, splits, source);
        notes.AddRange(featureNotes);
        var (snapshot, leakNotes) = Pack(columns, rows, splits, map, source);
        notes.AddRange(leakNotes);
        long RowsOf(Split part) => splits.AsSpan().Count(part);
        var summary = new DatasetSummary(
            fileRows, RowsOf(Split.Train), RowsOf(Split.Validation), RowsOf(Split.Calibration), RowsOf(Split.Test), rows.Broken, notes);
        return new Dataset(map, snapshot, summary);
    }

    private (DatasetColumns Columns, RowLabels Rows, string Source, long FileRows) ReadLabels()
    {
        using var reader = _open();
        var columns = DatasetColumns.Of(reader.Names, _options);
        var rows = new RowLabels(columns, _options.Order, reader.Source);
        while (reader.Read())
        {
            rows.Add(reader);
            Report("labels", reader);
        }

        rows.Complete(reader.Rows);
        return (columns, rows, reader.Source, reader.Rows);
    }

    private (FeatureMap Map, IReadOnlyList<string> Notes) FitMap(DatasetColumns columns, RowLabels rows, Split[] splits, string source)
    {
        var categorical = _options.Categorical is ["all"] ? [.. columns.FeatureNames.Except(_options.Numeric)] : _options.Categorical;
        var fitter = new FeatureMapFitter(columns.FeatureNames, _options.Numeric, _options.Encoding, source, categorical);
        foreach (var (reader, row) in KeptRows("features", rows))
        {
            for (var feature = 0; splits[row] == Split.Train && feature < columns.Features.Count; feature++)
            {
                fitter.Observe(feature, reader[columns.Features[feature]], reader.Line);
            }
        }

        return fitter.Fit();
    }

    private (Snapshot Snapshot, IReadOnlyList<string> Notes) Pack(DatasetColumns columns, RowLabels rows, Split[] splits, FeatureMap map, string source)
    {
        var path = _options.SnapshotPath ?? Path.Combine(Path.GetTempPath(), "pimm-" + Path.GetRandomFileName());
        using var snapshot = new SnapshotWriter(path, map, rows, columns.TaskNames, splits);
        using var files = _options.WriteSplits is null ? null : new SplitFiles(_options.WriteSplits, columns, map);
        var leaks = new LeakCheck(map, columns.Tasks.Count);
        var ids = new int[map.Fields.Count];
        RowEncoder? encoder = null;
        foreach (var (reader, row) in KeptRows("encoding", rows))
        {
            encoder ??= new RowEncoder(map, reader.Names);
            encoder.Encode(reader, ids);
            snapshot.Append(ids);
            files?.Append(reader, rows.LabelsOf(row), splits[row]);
            if (splits[row] == Split.Train)
            {
                leaks.Add(ids, rows.LabelsOf(row));
            }
        }

        var notes = leaks.Complete(columns.TaskNames, _options.AllowLeak, source);
        files?.Complete();
        snapshot.Complete();
        return (Snapshot.Open(path, temporary: _options.SnapshotPath is null), notes);
    }

    private IEnumerable<(DelimitedReader Reader, int Row)> KeptRows(string step, RowLabels rows)
    {
        using var reader = _open();
        var row = 0;
        while (row < rows.Rows && reader.Read())
        {
            if (rows.FileRows[row] == reader.Rows - 1)
            {
                yield return (reader, row++);
            }

            Report(step, reader);
        }

        if (row < rows.Rows)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"{reader.Source} became shorter while it was read; wait until it is complete and start again."));
        }
    }

    private void Report(string step, DelimitedReader reader)
    {
        if (reader.Rows % 4096 == 0)
        {
            _cancellation.ThrowIfCancellationRequested();
            _progress?.Report(new DatasetProgress(step, reader.ShareRead));
        }
    }
}
