using Xunit;

namespace Pimm.Core.Tests.Torch;

/// <summary>Tests that count live tensors or seed the generator of the whole process run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TorchCollection
{
    public const string Name = "torch";
}
