namespace Pimm.Core.Importing;

/// <summary>A file to be read.</summary>
/// <param name="Name">what sentences and lists call it; null: the path's last part</param>
/// <param name="Delimiter">null: found</param>
/// <param name="Renamed">columns that go by other names: the name in the file → the name here</param>
public sealed record ImportSource(string Path, string? Name = null, char? Delimiter = null, IReadOnlyDictionary<string, string>? Renamed = null)
{
    public DelimitedReader Open(UnpackingLimit? limit)
    {
        var file = DelimitedReader.Open(Path, Delimiter, limit, Name);
        if (Renamed is not null)
        {
            try
            {
                file.Rename(Renamed);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        return file;
    }

    /// <summary>Problems that were found when the file had been read: their rows are looked up in it.</summary>
    public IReadOnlyList<ImportProblem> WithRows(IReadOnlyList<ImportProblem> problems, UnpackingLimit? limit)
    {
        if (problems.Count == 0)
        {
            return problems;
        }
        var wanted = problems.Select(problem => problem.Line).ToHashSet();
        var rows = new Dictionary<long, byte[]>();
        using var file = Open(limit);
        while (rows.Count < wanted.Count && file.Read(out _))
        {
            if (wanted.Contains(file.Line))
            {
                rows[file.Line] = file.RawRow.ToArray();
            }
        }
        return [.. problems.Select(problem => problem with { Raw = rows.GetValueOrDefault(problem.Line) })];
    }
}
