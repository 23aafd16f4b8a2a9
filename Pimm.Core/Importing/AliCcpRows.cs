namespace Pimm.Core.Importing;

/// <summary>The common features of Ali-CCP by index: 18 raw ids a row, 72 bytes, whatever the length of the row in the file.</summary>
internal sealed class AliCcpCommonFeatures
{
    private const int RowsOfChunk = 1 << 12;
    private static readonly string[] Shape = ["common_feature_index", "feature_num", "feature_list"];
    private static readonly int Width = AliCcpFeatures.Columns.Count;

    private readonly RowKeys _indices = new();
    // Chunks, so that growing neither copies what is there nor holds it twice.
    private readonly List<int[]> _chunks = [];

    public long Rows { get; private set; }

    /// <summary>The file's name, as the sentences say it.</summary>
    public string Source { get; private init; } = "";

    /// <summary>Reads the whole file; of an index that is repeated the last row stays.</summary>
    /// <exception cref="InputException">a row that is not of the format</exception>
    public static AliCcpCommonFeatures Load(string path, Action<RawRows> progress)
    {
        using var file = new RawRows(path, Shape);
        var features = new AliCcpCommonFeatures { Source = file.Source };
        while (file.Read())
        {
            AliCcpFeatures.Read(file, 1, features.Add(file[0]));
            progress(file);
        }

        features.Rows = file.Rows;
        return features;
    }

    /// <returns>the row's raw ids, empty for an index that is not there</returns>
    public ReadOnlySpan<int> Find(ReadOnlySpan<byte> index)
    {
        var row = _indices.Find(index);
        return row < 0 ? [] : At(row);
    }

    private Span<int> Add(ReadOnlySpan<byte> index)
    {
        var (row, _) = _indices.Add(index);
        if (row / RowsOfChunk == _chunks.Count)
        {
            _chunks.Add(new int[RowsOfChunk * Width]);
        }

        return At(row);
    }

    private Span<int> At(int row) => _chunks[row / RowsOfChunk].AsSpan(row % RowsOfChunk * Width, Width);
}

/// <summary>
/// Impressions of a skeleton file joined with their common features, one at a time. An impression that was bought and not
/// clicked is impossible and left out; where both files have a field, the common one stands.
/// </summary>
/// <remarks>As AITM prepares the data (KDD'21), train and test files alike.</remarks>
internal sealed class AliCcpRows : IDisposable
{
    private static readonly string[] Shape = ["sample_id", "click", "purchase", "common_feature_index", "feature_num", "feature_list"];

    private readonly RawRows _file;
    private readonly AliCcpCommonFeatures _common;
    private readonly int[] _ids = new int[AliCcpFeatures.Columns.Count];

    public AliCcpRows(string skeleton, AliCcpCommonFeatures common) => (_file, _common) = (new RawRows(skeleton, Shape), common);

    public RawRows File => _file;

    /// <summary>Impressions left out so far.</summary>
    public long Dropped { get; private set; }

    public bool Click { get; private set; }

    public bool Purchase { get; private set; }

    /// <summary>18 raw ids in the order of <see cref="AliCcpFeatures.Columns"/>, 0 where a field is missing.</summary>
    public ReadOnlySpan<int> Ids => _ids;

    /// <returns>false at the end of the file</returns>
    /// <exception cref="InputException">a row that is not of the format, or an index without common features</exception>
    public bool Read()
    {
        while (_file.Read())
        {
            (Click, Purchase) = (Label(1), Label(2));
            if (Purchase && !Click)
            {
                Dropped++;
                continue;
            }

            Join();
            return true;
        }

        return false;
    }

    public void Dispose() => _file.Dispose();

    private void Join()
    {
        AliCcpFeatures.Read(_file, 4, _ids);
        var common = _common.Find(_file[3]);
        if (common.IsEmpty)
        {
            throw _file.Refused($"the common feature index '{RawRows.Shown(_file[3])}' is not in {_common.Source}");
        }

        for (var place = 0; place < common.Length; place++)
        {
            if (common[place] != 0)
            {
                _ids[place] = common[place];
            }
        }
    }

    private bool Label(int column) => _file[column] is [var digit and ((byte)'0' or (byte)'1')]
        ? digit == (byte)'1'
        : throw _file.Refused(column, "0 or 1");
}
