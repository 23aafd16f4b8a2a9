using Pimm.Jobs.CommandLine;

return await CommandLineHost.RunAsync(args, PimmCommands.All());
