using Pimm.Core.Importing;

namespace Pimm.Core.FeatureEncoding;

/// <summary>Encodes the rows of a file under an existing <see cref="FeatureMap"/>; columns may stand in any order and there may be more.</summary>
public sealed class RowEncoder
{
    private readonly FeatureMap _map;
    private readonly int[] _places;

    /// <exception cref="InputException">a field of the map is no column of the file; the sentence offers the nearest name</exception>
    public RowEncoder(FeatureMap map, ColumnNames names)
    {
        _map = map;
        _places = [.. map.Fields.Select(field => names.PlaceOf(field.Name))];
    }

    /// <param name="row">a reader that stands on a good row</param>
    /// <param name="ids">one id a field, in the map's order</param>
    public void Encode(DelimitedReader row, Span<int> ids)
    {
        for (var field = 0; field < _places.Length; field++)
        {
            ids[field] = _map.Encode(field, row[_places[field]]);
        }
    }
}
