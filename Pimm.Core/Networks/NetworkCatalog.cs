namespace Pimm.Core.Networks;

/// <summary>The kinds of network there are, by the name used on the command line, in model.json and in the database.</summary>
public static class NetworkCatalog
{
    private static readonly SortedDictionary<string, Func<NetworkShape, NetworkSettings, MultiTaskNetwork>> Kinds =
        new(StringComparer.Ordinal)
        {
            [AitmOptions.Kind] = (shape, settings) => new AitmNetwork(shape, AitmOptions.From(settings)),
            [Esm2Options.Kind] = (shape, settings) => new Esm2Network(shape, Esm2Options.From(settings)),
            [EsmmOptions.Kind] = (shape, settings) => new EsmmNetwork(shape, EsmmOptions.From(settings)),
            [HtlnetOptions.Kind] = (shape, settings) => new HtlnetNetwork(shape, HtlnetOptions.From(settings)),
            [MmoeOptions.Kind] = (shape, settings) => new MmoeNetwork(shape, MmoeOptions.From(settings)),
            [MncmOptions.Kind] = (shape, settings) => new MncmNetwork(shape, MncmOptions.From(settings)),
            [PimmOptions.Kind] = (shape, settings) => new PimmNetwork(shape, PimmOptions.From(settings)),
            [PleOptions.Kind] = (shape, settings) => new PleNetwork(shape, PleOptions.From(settings)),
            [SharedBottomOptions.Kind] = (shape, settings) => new SharedBottomNetwork(shape, SharedBottomOptions.From(settings)),
            [TafeOptions.Kind] = (shape, settings) => new TafeNetwork(shape, TafeOptions.From(settings)),
        };

    public static IReadOnlyCollection<string> Names => Kinds.Keys;

    /// <summary>
    /// A network with fresh weights, drawn from Torch's generator as <c>torch.manual_seed</c> left it, with every setting in
    /// force, the defaults included.
    /// </summary>
    /// <exception cref="InputException">The kind or a setting is unknown, or a value is out of its bounds.</exception>
    public static (MultiTaskNetwork Network, IReadOnlyDictionary<string, string> Settings) Create(
        string kind, NetworkShape shape, IReadOnlyDictionary<string, string> settings)
    {
        if (!Kinds.TryGetValue(kind, out var create))
        {
            throw new InputException($"There is no model '{kind}'; there are {string.Join(", ", Kinds.Keys)}.");
        }

        var read = new NetworkSettings(kind, settings);
        var network = create(shape.Validated(), read);
        return (network, read.Effective);
    }
}
