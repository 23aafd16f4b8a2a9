using System.Text.Json;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Datasets;

/// <summary>
/// The very rows of a dataset as train.csv, validation.csv and test.csv with their original values (labels as repaired),
/// and columns.json {"tasks","numeric","categorical"}, so that any other program can be compared on the same split.
/// Calibration rows are in validation.csv: another program may tune on both halves.
/// </summary>
internal sealed class SplitFiles : IDisposable
{
    /// <summary>Where this file is, all are.</summary>
    internal const string LastWritten = "columns.json";

    private static readonly Split[] Parts = [Split.Train, Split.Validation, Split.Test];

    private readonly DelimitedWriter[] _files;
    private readonly int[] _places;
    private readonly int[] _taskOfPlace;
    private readonly string _columnsPath;
    private readonly string _columnsJson;

    public SplitFiles(string folder, DatasetColumns columns, FeatureMap map)
    {
        Directory.CreateDirectory(folder);
        _places = [.. columns.Features.Concat(columns.Tasks)
            .Concat(columns.Truth).Concat(columns.Amount is { } amount ? [amount] : []).Concat(columns.Time is { } time ? [time] : []).Order()];
        _taskOfPlace = [.. _places.Select(place => columns.Tasks.ToList().IndexOf(place))];
        _files = [.. Parts.Select(split => new DelimitedWriter(Path.Combine(folder, NameOf(split))))];
        foreach (var file in _files)
        {
            foreach (var place in _places)
            {
                file.Write(columns.Names[place]);
            }

            file.EndRow();
        }

        _columnsPath = Path.Combine(folder, LastWritten);
        _columnsJson = JsonSerializer.Serialize(new
        {
            tasks = columns.TaskNames,
            numeric = map.Fields.Where(field => field.Kind == FieldKind.Numeric).Select(field => field.Name),
            categorical = map.Fields.Where(field => field.Kind == FieldKind.Categorical).Select(field => field.Name),
        });
    }

    public void Append(DelimitedReader row, ReadOnlySpan<byte> labels, Split split)
    {
        var file = _files[Array.IndexOf(Parts, split == Split.Calibration ? Split.Validation : split)];
        for (var column = 0; column < _places.Length; column++)
        {
            var task = _taskOfPlace[column];
            file.Write(task < 0 ? row[_places[column]] : labels[task] == 0 ? "0"u8 : "1"u8);
        }

        file.EndRow();
    }

    public void Complete()
    {
        foreach (var file in _files)
        {
            file.Complete();
        }

        File.WriteAllText(_columnsPath + ".unfinished", _columnsJson + "\n");
        File.Move(_columnsPath + ".unfinished", _columnsPath, overwrite: true);
    }

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }

    private static string NameOf(Split split) => split switch
    {
        Split.Train => "train.csv",
        Split.Validation => "validation.csv",
        _ => "test.csv",
    };
}
