namespace Pimm.Core.Importing;

/// <summary>
/// One int for every raw id from 0 to 2³¹-1, 0 until it is set, in pages of 1,024 that exist once touched: 4 bytes an id where
/// ids stand densely, as Ali-CCP's do (a dictionary takes about 30), and walked in the order of the ids without sorting.
/// </summary>
internal sealed class IdTable
{
    private const int PageBits = 10;
    private const int PageSize = 1 << PageBits;

    private int[]?[] _pages = [];

    public int this[int id]
    {
        get
        {
            var page = id >> PageBits;
            return page < _pages.Length && _pages[page] is { } values ? values[id & (PageSize - 1)] : 0;
        }
    }

    /// <param name="ids">raw ids; they get the numbers 1, 2, … in this order</param>
    public static IdTable Numbering(ReadOnlySpan<int> ids)
    {
        var table = new IdTable();
        for (var place = 0; place < ids.Length; place++)
        {
            table.ValueOf(ids[place]) = place + 1;
        }

        return table;
    }

    public void Increment(int id) => ValueOf(id)++;

    /// <returns>the ids whose value is at least <paramref name="least"/>, ascending</returns>
    public int[] IdsFrom(int least)
    {
        var ids = new List<int>();
        for (var page = 0; page < _pages.Length; page++)
        {
            for (var place = 0; _pages[page] is { } values && place < PageSize; place++)
            {
                if (values[place] >= least)
                {
                    ids.Add((page << PageBits) | place);
                }
            }
        }

        return [.. ids];
    }

    private ref int ValueOf(int id)
    {
        var page = id >> PageBits;
        if (page >= _pages.Length)
        {
            Array.Resize(ref _pages, Math.Max(page + 1, (int)Math.Min(2L * _pages.Length, 1 << (31 - PageBits))));
        }

        return ref (_pages[page] ??= new int[PageSize])[id & (PageSize - 1)];
    }
}
