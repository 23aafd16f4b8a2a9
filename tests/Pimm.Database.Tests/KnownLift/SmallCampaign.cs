using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Testing;
using Xunit;

namespace Pimm.Database.Tests.KnownLift;

/// <summary>A finished small campaign that a class of tests shares; they only read it, or add what changes none of its rows.</summary>
public sealed class SmallCampaign : IAsyncLifetime
{
    public PimmInstance Pimm { get; private set; } = null!;

    public Campaign Campaign { get; private set; } = null!;

    public Audience Audience { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync();
        var id = await Pimm.RunDemoAsync(SyntheticCampaign.Small(), CancellationToken.None);
        Campaign = await Pimm.Service<CampaignStore>().GetAsync(id);
        Audience = await Pimm.Service<AudienceStore>().GetAsync(Campaign.AudienceId);
    }

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}
